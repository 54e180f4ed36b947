//! Handlers, read as text: the query parameters that each takes, which are the fields of its types `Query<T>`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::contract::METHODS;

/// The sources of a product's HTTP face.
#[derive(Default)]
pub struct Handlers {
    /// From `fn` to the body's brace, by module and name.
    heads: BTreeMap<(String, String), String>,
    /// Fields of structs, by type, as a query names them.
    structs: BTreeMap<String, BTreeSet<String>>,
}

impl Handlers {
    /// Reads all sources below a folder.
    pub fn read(root: &Path) -> Handlers {
        let mut handlers = Handlers::default();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let module = path.strip_prefix(root).unwrap().with_extension("");
                let source = std::fs::read_to_string(&path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                handlers.add(&module.to_string_lossy(), source);
            }
        }
        handlers
    }

    fn add(&mut self, module: &str, source: &str) {
        let mut lines = source.lines().peekable();
        let mut attributes = String::new();
        while let Some(line) = lines.next() {
            if line.starts_with("#[") {
                attributes.push_str(line);
                continue;
            }
            // what stands at a line's beginning, and ends at the next brace that does
            let ends = |line: &str, begun: &str| begun.ends_with(" {\n") || line.starts_with('}');
            if let Some((_, rest)) = line.split_once("struct ").filter(|_| line.ends_with('{')) {
                let name = rest.split(['<', ' ']).next().unwrap().to_string();
                let body = lines.by_ref().take_while(|line| !line.starts_with('}'));
                self.structs.insert(name, fields(&attributes, body));
            } else if let Some((_, rest)) = line.split_once("async fn ")
                && !line.starts_with(' ')
            {
                let name = rest.split(['(', '<']).next().unwrap().to_string();
                let mut head = format!("{line}\n");
                while let Some(next) = lines.next_if(|line| !ends(line, &head)) {
                    head.push_str(next);
                    head.push('\n');
                }
                if let Some(last) = lines.next_if(|line| line.starts_with(')')) {
                    head.push_str(last); // `) -> Answer {`
                }
                self.heads.insert((module.to_string(), name), head);
            }
            attributes.clear();
        }
    }

    /// The query parameters that a handler takes: `module::name`, in a folder or outside of all.
    pub fn parameters(&self, folder: &str, (module, name): (&str, &str)) -> BTreeSet<String> {
        let is_of = |found: &str| found == module || found.starts_with(&format!("{module}/"));
        let named = self.heads.iter().filter(|((_, found), _)| found == name);
        let mut handlers = named.filter(|((found, _), _)| {
            is_of(found) || found.strip_prefix(folder).is_some_and(is_of)
        });
        let head = match (handlers.next(), handlers.next()) {
            (Some((_, head)), None) => head,
            found => panic!("there is no handler {module}::{name}, or there are two: {found:?}"),
        };
        let typed = head.split("Query<").skip(1).map(|rest| rest.split('>').next().unwrap());
        // a list has pages, which its place has read
        let is_list = ["List<", "-> Configs"].iter().any(|list| head.contains(list));
        let paging = (head.contains("here: Here") && is_list).then_some("Paging");
        let fields = |name: &str| {
            let known = self.structs.get(name.rsplit("::").next().unwrap());
            known.unwrap_or_else(|| panic!("there is no struct {name}"))
        };
        typed.chain(paging).flat_map(fields).cloned().collect()
    }
}

/// Names of a struct's fields as a query has them.
fn fields<'l>(attributes: &str, body: impl Iterator<Item = &'l str>) -> BTreeSet<String> {
    let is_camel = attributes.contains("rename_all = \"camelCase\"");
    let named = body.filter(|line| !line.trim_start().starts_with(['#', '/'])).filter_map(|line| {
        let (before, _) = line.split_once(": ")?;
        before.rsplit(' ').next()
    });
    named.map(|name| if is_camel { camel(name) } else { name.to_string() }).collect()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

/// The handler of each path and method: module and name.
pub fn of_router(source: &str) -> BTreeMap<(String, String), (String, String)> {
    let mut found = BTreeMap::new();
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split('"').nth(2).unwrap();
        for method in METHODS {
            for before in [" ", ".", "\n"] {
                let Some(rest) = handlers.split(&format!("{before}{method}(")).nth(1) else {
                    continue;
                };
                let handler = rest.split(')').next().unwrap();
                let mut names = handler.rsplit("::");
                let (name, module) = (names.next().unwrap(), names.next().unwrap());
                found.insert(
                    (path.to_string(), method.to_string()),
                    (module.to_string(), name.to_string()),
                );
                break;
            }
        }
    }
    found
}

#[test]
fn typed_queries_are_read() {
    let mut handlers = Handlers::default();
    handlers.add(
        "subjects",
        r#"
/// What is listed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Listed {
    /// Deleted ones: too.
    pub(super) deleted_only: bool,
    #[serde(deserialize_with = "number_unless_empty")]
    limit: i32,
}

struct Deleted {
    deleted: bool,
}

pub(super) async fn list(
    State(registry): State<Registry>,
    Query(listed): Query<Listed>,
    Query(Deleted { deleted }): Query<Deleted>,
) -> Answer {
    Query::<Other>::of()
}

async fn other(State(registry): State<Registry>) -> Answer {
    Query::<Other>::of()
}
"#,
    );
    let found = |name| handlers.parameters("", ("subjects", name)).into_iter().collect::<Vec<_>>();
    assert_eq!(found("list"), ["deleted", "deletedOnly", "limit"]);
    assert_eq!(found("other"), [""; 0]);
}
