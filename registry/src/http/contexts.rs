//! `/contexts`, and everything else below it. Source: Confluent ContextsResource, ContextFilter.

use axum::http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use weir_http::{Action, Resource};
use weir_registry_api::{Context, RegistryError};
use weir_registry_core::{DeleteContext, Grants, Listing, State};

use super::answer::{Answer, Json};
use super::query::{ListContexts, Paging};
use super::request::Query;
use super::rights::{Delete, Filtered, OnContext};

/// `GET /contexts`: names of the contexts that the caller may read, or a subject of which; the default one is always
/// there, and the first.
///
/// `contextPrefix`, `offset`, `limit`.
pub(super) async fn list(
    Filtered { registry, grants }: Filtered,
    Query(asked): Query<ListContexts>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<Context>>> {
    let state = registry.state();
    let prefix = asked.context_prefix.unwrap_or_default();
    let prefix = prefix.trim_start_matches(':').trim_end_matches(':');
    let others = state.contexts().filter(|context| is_seen(&state, context, &grants)).cloned();
    let all = std::iter::once(Context::default()).chain(others);
    let shown = all.filter(|context| context.as_str().starts_with(prefix));
    Ok(Json(paging.of(shown, usize::MAX)))
}

/// Returns true if a context may be read, or a subject of it.
fn is_seen(state: &State, context: &Context, grants: &Grants) -> bool {
    let listing = Listing::new(&format!(":{context}:"));
    grants.allow(Action::Read, Resource::context(context.as_str()))
        || state.subjects(&listing).any(|(subject, _)| grants.read(subject))
}

/// `DELETE /contexts/{context}`: forget a context that has no subjects.
///
/// Answers 204, also if it is not there. 42211 if it has a subject, be it soft-deleted · 50001 log.
pub(super) async fn delete(
    OnContext { registry, context, .. }: OnContext<Delete>,
) -> Answer<StatusCode> {
    registry.submit(DeleteContext { context }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a request below `/contexts/{context}/` asks for in qualified names; none if it is not below
/// one. 400 if the name is none.
pub(super) fn qualified(method: &str, uri: &Uri) -> Answer<Option<Uri>> {
    let Some((name, rest)) = uri
        .path()
        .strip_prefix("/contexts/")
        .and_then(|path| path.split_once('/'))
        // without more it is the context itself, with a slash at the end
        .filter(|(_, rest)| !rest.is_empty())
    else {
        return Ok(None);
    };
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    let name_alone = decoded.trim_start_matches(':').trim_end_matches(':');
    let context = Context::new(name_alone).map_err(RegistryError::from)?;
    let dot = if decoded.contains('.') { "" } else { "." };
    let prefix = format!(":{dot}{}:", name.trim_matches(':'));
    let rest = rest.trim_end_matches('/');
    let path = with_context(rest, &prefix);
    let query = uri.query().unwrap_or_default();
    let query = query_with_context(method, rest, query, &context.subject("").to_string());
    let separator = if query.is_empty() { "" } else { "?" };
    Ok(format!("{path}{separator}{query}").parse().ok())
}

/// Qualifies what stands behind `subjects`, `config` and `mode`.
fn with_context(rest: &str, prefix: &str) -> String {
    let mut path = String::new();
    let mut names_subject = false;
    for (index, segment) in rest.split('/').enumerate() {
        path.push('/');
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        if names_subject && !decoded.starts_with(":.") && !decoded.starts_with(":*:") {
            path.push_str(prefix);
        }
        path.push_str(segment);
        names_subject = !names_subject
            && (segment == "subjects" || (index == 0 && matches!(segment, "config" | "mode")));
    }
    if matches!(rest, "config" | "mode") {
        path.push('/');
        path.push_str(prefix);
    }
    path
}

/// Qualifies the parameters that name a subject or a context.
fn query_with_context(method: &str, rest: &str, query: &str, prefix: &str) -> String {
    let name = match rest {
        "schemas" | "subjects" => "subjectPrefix",
        _ if rest.starts_with("schemas/ids") => "subject",
        _ if rest.starts_with("associations") && matches!(method, "POST" | "PUT") => "context",
        _ => return query.to_string(),
    };
    let mut given = None;
    let mut kept: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) if key == name => given = given.or(Some(value)),
            _ => kept.push(pair),
        }
    }
    let value = given.unwrap_or_default();
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let is_qualified = decoded.starts_with(":.") || decoded.starts_with(":*:");
    let prefix = if is_qualified {
        ""
    } else if prefix.is_empty() {
        ":.:"
    } else {
        prefix
    };
    let prefix = percent_encoding::utf8_percent_encode(prefix, percent_encoding::NON_ALPHANUMERIC);
    let changed = format!("{name}={prefix}{value}");
    kept.push(&changed);
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(path: &str) -> String {
        let found = qualified("POST", &path.parse().unwrap()).ok().flatten();
        percent_decode_str(&found.unwrap().to_string()).decode_utf8_lossy().into_owned()
    }

    #[test]
    fn everything_below_a_context_is_asked_for_in_qualified_names() {
        for (path, expected) in [
            ("/contexts/.eu/subjects/a%2Fb/versions/1", "/subjects/:.eu:a/b/versions/1"),
            ("/contexts/eu/subjects/a", "/subjects/:.eu:a"),
            ("/contexts/:.eu:/subjects/a", "/subjects/:.eu:a"),
            ("/contexts/.eu/subjects/:.us:a", "/subjects/:.us:a"),
            ("/contexts/.eu/subjects/subjects/versions", "/subjects/:.eu:subjects/versions"),
            ("/contexts/./subjects/a", "/subjects/:.:a"),
            (
                "/contexts/.eu/compatibility/subjects/a/versions",
                "/compatibility/subjects/:.eu:a/versions",
            ),
            ("/contexts/.eu/config", "/config/:.eu:"),
            ("/contexts/.eu/config/", "/config/:.eu:"),
            ("/contexts/.eu/mode/a?force=true", "/mode/:.eu:a?force=true"),
            ("/contexts/.eu/subjects", "/subjects?subjectPrefix=:.eu:"),
            (
                "/contexts/.eu/schemas?subjectPrefix=a&deleted=true",
                "/schemas?deleted=true&subjectPrefix=:.eu:a",
            ),
            ("/contexts/.eu/schemas/ids/1/schema", "/schemas/ids/1/schema?subject=:.eu:"),
            ("/contexts/.eu/schemas/ids/1?subject=a", "/schemas/ids/1?subject=:.eu:a"),
            ("/contexts/.eu/schemas/guids/g", "/schemas/guids/g"),
            ("/contexts/.eu/associations", "/associations?context=:.eu:"),
        ] {
            assert_eq!(to(path), expected, "{path}");
        }
        assert!(matches!(qualified("GET", &"/contexts/.eu".parse().unwrap()), Ok(None)));
        assert!(qualified("GET", &"/contexts/a%3Ab/subjects".parse().unwrap()).is_err());
    }
}
