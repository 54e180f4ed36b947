//! docs/errors.md has every error of the tables, with what docs/errors.toml says of it: `WEIR_WRITE_DOCS=1` writes it.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::DocumentMut;
use weir_proxy::ProxyError;
use weir_registry_api::{ErrorCode, RegistryError};

use super::{assert_part, root};

const BEGIN: &str = "<!-- errors: written by a test, from the tables and errors.toml -->\n";
const END: &str = "<!-- end of errors -->\n";

/// The products, as errors.toml and the page name them.
const REGISTRY: &str = "registry";
const PROXY: &str = "proxy";
/// What both refuse in the same words, before either looks at a request.
const HTTP: &str = "http";

/// An error as a table has it.
struct Error {
    product: &'static str,
    name: &'static str,
    code: u32,
    status: u16,
    text: &'static str,
}

impl Error {
    /// Returns true if it stands in the section of what HTTP refuses: codes that both products share.
    fn is_shared(&self) -> bool {
        self.code < 1000 || self.code == 40301
    }
}

/// All errors, each once: what is in both tables under one name and text is HTTP's.
fn errors() -> Vec<Error> {
    /// The rows of a table, whose type is not this crate's to name.
    macro_rules! rows {
        ($product:expr, $table:expr) => {
            $table.iter().map(|row| Error {
                product: $product,
                name: row.name,
                code: row.code,
                status: row.status,
                text: row.text,
            })
        };
    }
    let registry: Vec<Error> = rows!(REGISTRY, RegistryError::TABLE).collect();
    let proxy: Vec<Error> = rows!(PROXY, ProxyError::TABLE).collect();
    let id = |error: &Error| (error.name, error.code);
    let shared: BTreeSet<_> = registry.iter().map(id).collect();
    let shared: BTreeSet<_> = proxy.iter().map(id).filter(|id| shared.contains(id)).collect();
    let (common, registry): (Vec<_>, Vec<_>) =
        registry.into_iter().partition(|error| shared.contains(&id(error)));
    let common = common.into_iter().map(|error| Error { product: HTTP, ..error });
    let proxy = proxy.into_iter().filter(|error| !shared.contains(&id(error)));
    registry.into_iter().chain(proxy).chain(common).collect()
}

/// What errors.toml says of an error.
struct Advice {
    cause: String,
    cure: String,
    again: String,
    is_of_weir: bool,
}

/// The entries of errors.toml, by product and name.
fn advice() -> BTreeMap<(String, String), Advice> {
    let text = std::fs::read_to_string(root().join("docs/errors.toml")).unwrap();
    let document: DocumentMut = text.parse().unwrap();
    let mut found = BTreeMap::new();
    for (product, entries) in document.iter() {
        for (name, entry) in entries.as_table().unwrap() {
            let field = |field: &str| {
                let value = entry.get(field).and_then(|value| value.as_str());
                value.unwrap_or_else(|| panic!("{product}.{name} has no {field}")).to_string()
            };
            let advice = Advice {
                cause: field("cause"),
                cure: field("cure"),
                again: field("again"),
                is_of_weir: entry.get("weir").is_some(),
            };
            found.insert((product.to_string(), name.to_string()), advice);
        }
    }
    found
}

/// What a code is called: in the registry's API by its own name, elsewhere by its first error.
fn name_of(first: &Error) -> String {
    let own = ErrorCode::from(first.code);
    match (first.product, own) {
        (REGISTRY, ErrorCode::Other(_)) | (PROXY | HTTP, _) => words(first.name),
        (_, own) => words(&format!("{own:?}")),
    }
}

/// `TooManyClients` as words: `Too many clients`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
    }
    words
}

/// The text of an answer, with braces around what is filled in.
fn message(text: &str) -> String {
    match text {
        "{fault}" => "The text is Kafka's own.".to_string(),
        "{reason}" => "The text says what it is about.".to_string(),
        text => format!("```text\n{}\n```", text.replace("{{", "{").replace("}}", "}")),
    }
}

/// A section of the page: each code with its errors.
fn section(title: &str, errors: &[&Error], advice: &BTreeMap<(String, String), Advice>) -> String {
    let mut codes: BTreeMap<u32, Vec<&Error>> = BTreeMap::new();
    errors.iter().for_each(|error| codes.entry(error.code).or_default().push(error));
    let mut text = format!("\n## {title}\n");
    for (code, errors) in codes {
        let first = errors[0];
        let name = if first.is_shared() { String::new() } else { format!(" {}", name_of(first)) };
        text += &format!("\n### {code}{name}\n");
        for error in errors {
            let advice = &advice[&(error.product.to_string(), error.name.to_string())];
            let only = match (error.is_shared(), error.product) {
                (true, REGISTRY) => " · the registry only",
                (true, PROXY) => " · the proxy only",
                _ => "",
            };
            let weir = if advice.is_of_weir { " · *Weir's own*" } else { "" };
            text +=
                &format!("\nStatus {}{only}{weir}\n\n{}\n\n", error.status, message(error.text));
            text += &format!("* **Cause:** {}\n", advice.cause);
            text += &format!("* **Cure:** {}\n", advice.cure);
            text += &format!("* **The same request again:** {}\n", advice.again);
        }
    }
    text
}

/// The page between its marks.
fn documented() -> String {
    let (errors, advice) = (errors(), advice());
    let (shared, own): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.is_shared());
    let of =
        |product| own.iter().filter(move |e| e.product == product).copied().collect::<Vec<_>>();
    section("The registry", &of(REGISTRY), &advice)
        + &section("The REST proxy", &of(PROXY), &advice)
        + &section("Both", &shared, &advice)
        + "\n"
}

#[test]
fn errors_toml_has_an_entry_for_each_error_and_no_other() {
    let errors = errors();
    let known: BTreeSet<_> =
        errors.iter().map(|error| (error.product.to_string(), error.name.to_string())).collect();
    let said: BTreeSet<_> = advice().into_keys().collect();
    let missing: Vec<_> = known.difference(&said).collect();
    let unknown: Vec<_> = said.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}

#[test]
fn the_page_of_errors_is_what_the_tables_say() {
    assert_part("errors.md", BEGIN, END, &documented());
}
