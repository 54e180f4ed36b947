//! What the settings say of the collector.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use weir_trace::Sampler;

use super::message::{KeyValue, Resource};
use crate::config::problem::{Problem, Problems};
use crate::config::tree::Otlp;
use crate::config::value::{Sourced, TraceSampler};
use crate::shown_url::shown_url;

/// Where spans and metrics go, and with what.
pub struct Options {
    pub traces: Option<Url>,
    pub metrics: Option<Url>,
    pub headers: HeaderMap,
    pub resource: Resource,
    pub sampler: Sampler,
    pub ca: Option<PathBuf>,
    pub timeout: Duration,
    pub metrics_interval: Duration,
}

impl Options {
    /// None if nothing is to be sent.
    pub fn of(otlp: &Otlp) -> Result<Option<Options>, Problems> {
        let mut problems = Vec::new();
        let mut of = |wanted: bool, own: &Sourced<Option<String>>, path: &str| {
            wanted.then(|| url(own, &otlp.endpoint, path, &mut problems)).flatten()
        };
        let traces = of(*otlp.traces, &otlp.traces_endpoint, "v1/traces");
        let metrics = of(*otlp.metrics, &otlp.metrics_endpoint, "v1/metrics");
        let headers = headers(otlp, &mut problems);
        let sampler = sampler(otlp, &mut problems);
        let resource = resource(otlp, &mut problems);
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        Ok(Some(Options {
            traces,
            metrics,
            headers,
            resource,
            sampler,
            ca: otlp.ca.value.clone(),
            timeout: Duration::from_millis(*otlp.timeout_ms),
            metrics_interval: Duration::from_millis(*otlp.metrics_interval_ms),
        }))
    }
}

/// A URL of its own as it stands, else the collector's with a path.
fn url(
    own: &Sourced<Option<String>>,
    base: &Sourced<Option<String>>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<Url> {
    let (text, source, path) = match (own.as_deref(), base.as_deref()) {
        (Some(own_url), _) => (own_url, &own.source, None),
        (None, Some(base_url)) => (base_url, &base.source, Some(path)),
        (None, None) => return None,
    };
    match Url::parse(text) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            if let Some(path) = path {
                url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
            }
            Some(url)
        }
        _ => {
            let text = format!(
                "{} is no collector: expected http://HOST:4318 or https://HOST:4318",
                shown_url(text)
            );
            problems.push(Problem::at(source, text));
            None
        }
    }
}

/// `NAME=VALUE` by commas, percent-encoded as OpenTelemetry has it. The error is the part that is none.
fn pairs(text: &str) -> Result<Vec<(String, String)>, &str> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    let pair = |part| {
        let (name, value) = str::split_once(part, '=').ok_or(part)?;
        Ok((decoded(name), decoded(value)))
    };
    parts.map(pair).collect()
}

fn headers(otlp: &Otlp, problems: &mut Vec<Problem>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = otlp.headers.as_ref().map_or("", |headers| headers.text());
    let given = pairs(text);
    let mut are_good = given.is_ok();
    for (name, value) in given.unwrap_or_default() {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            _ => are_good = false,
        }
    }
    if !are_good {
        // what is wrong may be a key
        let text = "otlp.headers: expected NAME=VALUE by commas";
        problems.push(Problem::at(&otlp.headers.source, text));
    }
    headers
}

fn sampler(otlp: &Otlp, problems: &mut Vec<Problem>) -> Sampler {
    let ratio = match otlp.sampler_ratio.as_deref().map(|text| text.trim().parse::<f64>()) {
        None => 1.0,
        Some(Ok(ratio)) if (0.0..=1.0).contains(&ratio) => ratio,
        Some(_) => {
            let text = "otlp.sampler_ratio: expected a number from 0 to 1";
            problems.push(Problem::at(&otlp.sampler_ratio.source, text));
            1.0
        }
    };
    let (asks_parent, ratio) = match *otlp.sampler {
        TraceSampler::AlwaysOn => (false, 1.0),
        TraceSampler::AlwaysOff => (false, 0.0),
        TraceSampler::Ratio => (false, ratio),
        TraceSampler::ParentOrAlwaysOn => (true, 1.0),
        TraceSampler::ParentOrAlwaysOff => (true, 0.0),
        TraceSampler::ParentOrRatio => (true, ratio),
    };
    Sampler { asks_parent, ratio }
}

fn resource(otlp: &Otlp, problems: &mut Vec<Problem>) -> Resource {
    let text = otlp.resource_attributes.as_deref().unwrap_or_default();
    let mut given = pairs(text).unwrap_or_else(|part| {
        let text = format!("otlp.resource_attributes: {part} is not NAME=VALUE");
        problems.push(Problem::at(&otlp.resource_attributes.source, text));
        Vec::new()
    });
    let own = [
        ("service.name", otlp.service_name.value.clone()),
        ("service.version", env!("CARGO_PKG_VERSION").to_string()),
        ("service.instance.id", instance()),
    ];
    for (name, value) in own {
        let is_said = given.iter().any(|(given, _)| given == name);
        let is_default = otlp.service_name.source == crate::config::source::Source::Default;
        if !is_said || (name == "service.name" && !is_default) {
            given.retain(|(given, _)| given != name);
            given.push((name.to_string(), value));
        }
    }
    let attributes = given.iter().map(|(name, value)| KeyValue::text(name, value));
    Resource { attributes: attributes.collect() }
}

/// What tells this process from others of its kind: where it runs, as containers are called, and its number there.
fn instance() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let host = if host.is_empty() { "localhost".to_string() } else { host };
    format!("{host}:{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    fn options(vars: &[(&str, &str)]) -> Result<Option<Options>, String> {
        let flags = flags(&["--roles", "registry", "--store", "memory"]);
        let tree = Configuration::of_serve(&flags, &env(vars)).unwrap().tree;
        Options::of(&tree.otlp).map_err(|problems| problems.to_string())
    }

    #[test]
    fn paths_are_added_to_a_collector_and_not_to_a_url_of_its_own() {
        assert!(options(&[]).unwrap().is_none());
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/in");
        let found = options(&[base, own]).unwrap().unwrap();
        assert_eq!(found.traces.unwrap().as_str(), own.1);
        assert_eq!(found.metrics.unwrap().as_str(), "http://collector:4318/otlp/v1/metrics");
        let asked =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@collector:4318/?key=hunter2")];
        let found = options(&asked).unwrap().unwrap().traces.unwrap();
        assert_eq!(found.as_str(), "http://me:hunter2@collector:4318/v1/traces?key=hunter2");
        assert_eq!(shown_url(found.as_str()), "http://collector:4318/v1/traces");
        let only_traces = [base, ("OTEL_METRICS_EXPORTER", "none")];
        assert!(options(&only_traces).unwrap().unwrap().metrics.is_none());
    }

    #[test]
    fn names_and_values_are_read_as_opentelemetry_has_them() {
        let vars = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-org = 7"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=prod"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ];
        let found = options(&vars).unwrap().unwrap();
        assert_eq!(
            (&found.headers["api-key"], &found.headers["x-org"]),
            (&"a b".parse().unwrap(), &"7".parse().unwrap())
        );
        assert_eq!(found.sampler, Sampler { asks_parent: false, ratio: 0.5 });
        let attributes = &found.resource.attributes;
        let of = |name: &str| attributes.iter().filter(|it| it.key == name).collect::<Vec<_>>();
        assert_eq!(of("service.name"), [&KeyValue::text("service.name", "other")]);
        assert_eq!(of("service.version").len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_key_is_shown() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        for (vars, said, unsaid) in [
            (vec![("WEIR_OTLP_ENDPOINT", "me:hunter2@collector")], "is no collector", "hunter2"),
            (vec![base, ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")], "otlp.headers", "hunter2"),
            (vec![base, ("WEIR_OTLP_SAMPLER_RATIO", "2")], "from 0 to 1", "hunter2"),
        ] {
            let error = options(&vars).err().unwrap();
            assert!(error.contains(said) && !error.contains(unsaid), "{error}");
        }
    }
}
