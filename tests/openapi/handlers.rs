//! Handlers, read as text: which query parameters each of them asks for, itself or through what it calls.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::contract::METHODS;

/// Functions that are told of the query, by module and name.
type Functions = BTreeMap<(String, String), Function>;

struct Function {
    /// From `fn` to the body's brace.
    head: String,
    body: String,
}

/// The sources of a product's HTTP face.
pub struct Handlers {
    functions: Functions,
    /// Extractors, by type: functions that read the query for a handler that has such a parameter.
    extractors: BTreeMap<String, Function>,
    /// Fields of structs, by type, as a query names them; a flattened field is the name of its type in brackets.
    structs: BTreeMap<String, Vec<String>>,
}

impl Handlers {
    /// Reads all sources below a folder.
    pub fn read(root: &Path) -> Handlers {
        let mut handlers = Handlers {
            functions: Functions::new(),
            extractors: BTreeMap::new(),
            structs: BTreeMap::new(),
        };
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                match path.extension() {
                    None => folders.push(path),
                    Some(_) => {
                        let module = path.strip_prefix(root).unwrap().with_extension("");
                        let source = std::fs::read_to_string(&path).unwrap();
                        let source = source.split("#[cfg(test)]").next().unwrap();
                        handlers.add(&module.to_string_lossy(), source);
                    }
                }
            }
        }
        handlers
    }

    fn add(&mut self, module: &str, source: &str) {
        // what is implemented, while its block lasts
        let mut subject = None;
        let mut lines = source.lines().peekable();
        let mut pending = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with("impl") && !line.ends_with("{}") {
                let name = line.split(" for ").last().unwrap().trim_start_matches("impl").trim();
                let name =
                    name.split(['<', ' ', '{']).find(|part| !part.is_empty()).unwrap_or_default();
                subject = Some((name.to_string(), line.contains("FromRequestParts")));
            } else if line == "}" {
                subject = None;
            }
            let text = line.trim_start();
            if text.starts_with("#[") {
                pending.push(text);
            } else if text.contains("struct ") && text.ends_with('{') {
                let name = text.split("struct ").nth(1).unwrap().split(['<', ' ']).next().unwrap();
                let body: Vec<&str> =
                    lines.by_ref().take_while(|line| !line.starts_with('}')).collect();
                self.structs.insert(name.to_string(), fields(&pending.concat(), &body));
                pending.clear();
            } else if let Some((before, rest)) = text.split_once("fn ").filter(|(before, _)| {
                before.is_empty() || before.ends_with(' ') && !before.contains("//")
            }) {
                let _ = before;
                let name = rest.split(['(', '<']).next().unwrap().to_string();
                let indent = line.len() - text.len();
                let (mut head, mut body) = (String::new(), String::new());
                let mut current = Some(line);
                let is_whole = |line: &str| {
                    line.ends_with('}') && line.matches('{').count() == line.matches('}').count()
                };
                while let Some(line) = current {
                    let part = if body.is_empty() && !head.contains(" {\n") {
                        &mut head
                    } else {
                        &mut body
                    };
                    part.push_str(line);
                    part.push('\n');
                    if line.len() > indent
                        && line[..indent].trim().is_empty()
                        && &line[indent..] == "}"
                    {
                        break;
                    }
                    if body.is_empty() && is_whole(line) {
                        break;
                    }
                    if line.ends_with(';') && body.is_empty() && !head.contains(" {\n") {
                        break; // only declared
                    }
                    current = lines.next();
                }
                if head.ends_with("}\n") {
                    body.clone_from(&head); // all on one line
                }
                let function = Function { head, body };
                match &subject {
                    Some((name, true)) => {
                        self.extractors.insert(name.clone(), function);
                    }
                    Some((of, false)) => {
                        self.functions.insert((of.clone(), name), function);
                    }
                    None => {
                        self.functions.insert((module.to_string(), name), function);
                    }
                }
                pending.clear();
            } else {
                pending.clear();
            }
        }
    }

    /// What a handler, `module::name` in the folder of a version if there is one, asks of the query. `known` are
    /// names of query parameters.
    pub fn parameters(
        &self,
        folder: &str,
        (module, name): (&str, &str),
        known: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let (key, start) = self
            .find(&format!("{folder}{module}"), Some(module), name, |_| true)
            .unwrap_or_else(|| panic!("there is no handler {module}::{name}"));
        let mut found = BTreeSet::new();
        let typed = start.head.split("Query<").skip(1).map(|rest| rest.split('>').next().unwrap());
        found.extend(typed.flat_map(|name| self.fields_of(name)));
        let extractors = self.extractors.iter().filter(|(extractor, _)| {
            words(&start.head).any(|word| word == *extractor) && *extractor != "Params"
        });
        let extracted: Vec<_> = extractors.map(|(_, function)| function).collect();
        let (mut waiting, mut seen) = (vec![(&key.0, start)], BTreeSet::new());
        while let Some((module, function)) = waiting.pop() {
            if !seen.insert((module, &function.head)) {
                continue;
            }
            found.extend(asked(&function.body, known));
            // a list has pages, which the extractor has read
            if function.body.contains("site.list") {
                found.extend(extracted.iter().flat_map(|function| asked(&function.body, known)));
            }
            for (callee, of) in calls(&function.body) {
                let found = self.find(module, of.as_deref(), &callee, is_told);
                waiting.extend(found.map(|((module, _), function)| (module, function)));
            }
        }
        found
    }

    /// The function of a name: of the type or the module that is named, of this module, or the only one.
    fn find(
        &self,
        here: &str,
        of: Option<&str>,
        name: &str,
        may_be: impl Fn(&Function) -> bool,
    ) -> Option<(&(String, String), &Function)> {
        let all: Vec<_> =
            self.functions.iter().filter(|((_, n), f)| n == name && may_be(f)).collect();
        let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_named = |module: &str| of.is_some_and(|of| module.rsplit('/').next() == Some(of));
        let exact = all.iter().find(|((m, _), _)| match of {
            Some(_) => is_named(m) && m.rsplit_once('/').map_or("", |(f, _)| f) == folder,
            None => m == here,
        });
        let elsewhere = || all.iter().find(|((m, _), _)| is_named(m));
        let only = || all.first().filter(|_| all.len() == 1 && of != Some("Params"));
        exact.or_else(elsewhere).or_else(only).copied()
    }

    /// Fields of a struct, also those of what is flattened into it.
    fn fields_of(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![name.rsplit("::").next().unwrap().to_string()];
        while let Some(name) = waiting.pop() {
            for field in
                self.structs.get(&name).unwrap_or_else(|| panic!("there is no struct {name}"))
            {
                match field.strip_prefix('[') {
                    Some(inner) => waiting.push(inner.trim_end_matches(']').to_string()),
                    None => drop(found.insert(field.clone())),
                }
            }
        }
        found
    }
}

/// A function that is handed the query or the request's place, or is their own.
fn is_told(function: &Function) -> bool {
    ["Params", "Site", "Here"].iter().any(|told| function.head.contains(told))
        || words(&function.head).any(|word| word == "self")
}

/// Names that stand in a function as the query's: behind `params`, or any string that is the name of a parameter.
fn asked(body: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut parts = body.split('"');
    let mut before = parts.next().unwrap_or_default();
    while let (Some(literal), after) = (parts.next(), parts.next()) {
        let tail = before.trim_end().rsplit([';', '{', '}']).next().unwrap_or_default();
        let is_query = tail.ends_with("params, ")
            || tail.ends_with("params,")
            || (tail.ends_with('(') && {
                let receiver = tail
                    .trim_end_matches('(')
                    .rsplit([' ', '(', '&', '!'])
                    .next()
                    .unwrap_or_default();
                receiver.starts_with("params.") && !receiver.contains(')')
            });
        if is_query || known.contains(literal) {
            found.insert(literal.to_string());
        }
        before = after.unwrap_or_default();
    }
    found
}

/// Functions that are called with the query: their names, and the module or type before them.
fn calls(body: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let told = ["params", "site", "here"].into_iter();
    for (at, word) in told.flat_map(|word| body.match_indices(word)) {
        let rest = &body[at + word.len()..];
        let of_word = |c: &char| c.is_alphanumeric() || *c == '_';
        if body[..at].chars().next_back().filter(of_word).is_some()
            || rest.chars().next().filter(of_word).is_some()
        {
            continue;
        }
        if let Some(method) = rest.strip_prefix('.') {
            if word != "params" {
                continue;
            }
            let name: String =
                method.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((name, Some("Params".to_string())));
            continue;
        }
        // the call whose brackets it is in
        let mut depth = 0;
        let open = body[..at].char_indices().rev().find(|(_, c)| {
            depth += match c {
                ')' => 1,
                '(' => -1,
                _ => 0,
            };
            depth < 0
        });
        let Some((open, _)) = open else { continue };
        let path = body[..open].trim_end_matches(|c| {
            c != ':' && c != '<' && c != '>' && !char::is_alphanumeric(c) && c != '_'
        });
        let path =
            path.rsplit(|c: char| !(c.is_alphanumeric() || "_:<>".contains(c))).next().unwrap();
        let path = path.split("::<").next().unwrap();
        let mut names = path.rsplit("::");
        if let Some(name) = names.next().filter(|name| !name.is_empty()) {
            found.push((name.to_string(), names.next().map(str::to_string)));
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

/// Names of a struct's fields as a query has them.
fn fields(attributes: &str, body: &[&str]) -> Vec<String> {
    let is_camel = attributes.contains("rename_all = \"camelCase\"");
    let mut found = Vec::new();
    let mut attributes = String::new();
    for line in body.iter().map(|line| line.trim()) {
        if line.starts_with("#[") {
            attributes.push_str(line);
            continue;
        }
        let field = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub(crate) ");
        if let Some((name, kind)) = field.split_once(": ").filter(|_| !line.starts_with("//")) {
            let renamed =
                attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
            found.push(match renamed {
                _ if attributes.contains("flatten") => format!("[{}]", kind.trim_end_matches(',')),
                Some(name) => name.to_string(),
                None if is_camel => camel(name),
                None => name.to_string(),
            });
            attributes.clear();
        }
    }
    found
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
    let mut handlers = Handlers {
        functions: Functions::new(),
        extractors: BTreeMap::new(),
        structs: BTreeMap::new(),
    };
    handlers.add(
        "subjects",
        r#"
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listed {
    /// Deleted ones too.
    deleted_only: bool,
    #[serde(rename = "subjectPrefix")]
    prefix: Option<String>,
    #[serde(flatten)]
    page: Page,
}

struct Page {
    offset: i32,
}

async fn list(State(registry): State<Registry>, Query(listed): Query<Listed>) -> Answer {
    Ok(())
}
"#,
    );
    let found = handlers.parameters("", ("subjects", "list"), &BTreeSet::new());
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["deletedOnly", "offset", "subjectPrefix"]);
}
