//! An OpenAPI document, read as far as the tests need it: YAML without tags and flow lists over lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Methods that a path may have.
pub const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// A value of the document.
#[derive(Debug, Clone)]
pub enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    Text(String),
}

/// A method of a path.
#[derive(Debug)]
pub struct Operation {
    pub path: String,
    pub method: String,
    /// Names of its query parameters.
    pub query: BTreeSet<String>,
    /// Media types that its body may have; none if it takes no body.
    pub body: BTreeSet<String>,
    /// Media types of its answers, by status.
    pub answers: BTreeMap<u16, BTreeSet<String>>,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

struct Lines<'t> {
    lines: Vec<(usize, &'t str)>,
    at: usize,
    /// What `&name` stands before, for `*name`.
    anchors: BTreeMap<&'t str, Node>,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(pairs) => pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    fn pairs(&self) -> &[(String, Node)] {
        match self {
            Node::Map(pairs) => pairs,
            _ => &[],
        }
    }

    fn items(&self) -> &[Node] {
        match self {
            Node::List(items) => items,
            _ => &[],
        }
    }

    fn text(&self) -> &str {
        match self {
            Node::Text(text) => text,
            _ => "",
        }
    }

    /// Where this refers to, if it only refers to something: `$ref: "#/a/b"`, on lines of its own or in braces.
    fn reference(&self) -> Option<String> {
        let text = match self {
            Node::Text(text) => text.strip_prefix("{ $ref: ")?.strip_suffix(" }")?,
            other => other.get("$ref")?.text(),
        };
        Some(text.trim_matches('"').to_string())
    }
}

impl<'t> Lines<'t> {
    fn of(yaml: &'t str) -> Lines<'t> {
        let line = |line: &'t str| {
            let text = line.trim_start();
            (line.len() - text.len(), text)
        };
        let lines = yaml.lines().map(line).filter(|(_, text)| !text.is_empty()).collect();
        Lines { lines, at: 0, anchors: BTreeMap::new() }
    }

    /// The next line that is no comment.
    fn peek(&mut self) -> Option<(usize, &'t str)> {
        while self.lines.get(self.at)?.1.starts_with('#') {
            self.at += 1;
        }
        Some(self.lines[self.at])
    }

    fn skip_deeper_than(&mut self, indent: usize) {
        while self.lines.get(self.at).is_some_and(|(deeper, _)| *deeper > indent) {
            self.at += 1;
        }
    }

    fn node(&mut self, indent: usize) -> Node {
        match self.peek() {
            Some((_, text)) if text.starts_with("- ") => self.list(indent),
            Some((_, text)) if key_and_value(text).is_some() => self.map(indent),
            _ => {
                let text = self.lines[self.at].1;
                self.at += 1;
                self.skip_deeper_than(indent);
                Node::Text(text.to_string())
            }
        }
    }

    fn list(&mut self, indent: usize) -> Node {
        let mut items = Vec::new();
        while let Some((at, text)) = self.peek()
            && at == indent
            && let Some(item) = text.strip_prefix("- ")
        {
            self.lines[self.at] = (indent + 2, item);
            items.push(self.node(indent + 2));
        }
        Node::List(items)
    }

    fn map(&mut self, indent: usize) -> Node {
        let mut pairs = Vec::new();
        while let Some((at, text)) = self.peek()
            && at == indent
            && let Some((key, value)) = key_and_value(text)
        {
            self.at += 1;
            let node = match (value, self.peek()) {
                ("", Some((deeper, _))) if deeper > indent => self.node(deeper),
                (text, Some((deeper, _))) if deeper > indent && text.starts_with('&') => {
                    let node = self.node(deeper);
                    self.anchors.insert(&text[1..], node.clone());
                    node
                }
                (text, _) if text.starts_with('*') => match self.anchors.get(&text[1..]) {
                    Some(node) => node.clone(),
                    None => panic!("{text} is not there"),
                },
                (text, _) => {
                    self.skip_deeper_than(indent);
                    Node::Text(text.to_string())
                }
            };
            pairs.push((key.to_string(), node));
        }
        Node::Map(pairs)
    }
}

fn key_and_value(line: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = line.strip_prefix('"') {
        let (key, rest) = quoted.split_once('"')?;
        return Some((key, rest.strip_prefix(':')?.trim()));
    }
    if line.starts_with('{') || line.starts_with('[') {
        return None;
    }
    line.split_once(": ")
        .map(|(key, value)| (key, value.trim()))
        .or(line.strip_suffix(':').map(|key| (key, "")))
}

/// A document.
pub struct Contract(Node);

impl Contract {
    pub fn read(yaml: &str) -> Contract {
        Contract(Lines::of(yaml).node(0))
    }

    /// The node, or the one that it refers to.
    fn resolve<'n>(&'n self, node: &'n Node) -> &'n Node {
        let Some(reference) = node.reference() else { return node };
        let mut found = &self.0;
        for part in reference.trim_start_matches("#/").split('/') {
            found = found.get(part).unwrap_or_else(|| panic!("{reference} is not there"));
        }
        found
    }

    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0.get("paths").expect("a document has paths");
        let mut operations = Vec::new();
        for (path, item) in paths.pairs() {
            let methods = item.pairs().iter().filter(|(key, _)| METHODS.contains(&key.as_str()));
            for (method, operation) in methods {
                let parameters = [item, operation].into_iter().filter_map(|n| n.get("parameters"));
                let parameters = parameters.flat_map(Node::items).map(|node| self.resolve(node));
                let text = |node: &Node, key: &str| {
                    node.get(key).map(Node::text).unwrap_or_default().to_string()
                };
                let query =
                    parameters.filter(|p| text(p, "in") == "query").map(|p| text(p, "name"));
                let answers = operation.get("responses").map(Node::pairs).unwrap_or_default();
                operations.push(Operation {
                    path: path.clone(),
                    method: method.clone(),
                    query: query.collect(),
                    body: operation
                        .get("requestBody")
                        .map(|b| self.media_types(b))
                        .unwrap_or_default(),
                    answers: answers
                        .iter()
                        .map(|(status, answer)| {
                            (status.parse().expect("a status"), self.media_types(answer))
                        })
                        .collect(),
                });
            }
        }
        operations
    }

    /// Media types of a body.
    fn media_types(&self, body: &Node) -> BTreeSet<String> {
        let content = self.resolve(body).get("content").map(Node::pairs).unwrap_or_default();
        content.iter().map(|(media_type, _)| media_type.clone()).collect()
    }
}
