//! Names of Avro types and fields, and the rules that they follow.

/// A name with its namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    full: String,
    simple_at: usize,
}

/// Which characters a name may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// `[A-Za-z_][A-Za-z0-9_]*`, what a registry asks of a new schema.
    Strict,
    /// Any letters and digits, what Avro's own parser asks.
    Utf8,
    /// Anything: for schemas that are stored already.
    None,
}

impl Name {
    /// A name as it stands in a schema: a dotted one brings its own namespace, another takes
    /// `namespace`. The empty namespace is none.
    pub fn new(name: &str, namespace: Option<&str>) -> Name {
        let (space, simple) = match name.rfind('.') {
            Some(dot) => (&name[..dot], &name[dot + 1..]),
            None => (namespace.unwrap_or(""), name),
        };
        if space.is_empty() {
            return Name { full: simple.to_string(), simple_at: 0 };
        }
        Name { full: format!("{space}.{simple}"), simple_at: space.len() + 1 }
    }

    pub fn full(&self) -> &str {
        &self.full
    }

    pub fn simple(&self) -> &str {
        &self.full[self.simple_at..]
    }

    pub fn namespace(&self) -> Option<&str> {
        (self.simple_at > 0).then(|| &self.full[..self.simple_at - 1])
    }

    /// How the name is written inside `namespace`: without its own where they agree, unless it
    /// would read as a type of Avro's.
    pub fn qualified_in(&self, namespace: Option<&str>) -> &str {
        let inherits = self.namespace().is_some() && self.namespace() == namespace;
        if inherits && !TYPE_NAMES.contains(&self.simple()) { self.simple() } else { &self.full }
    }
}

const TYPE_NAMES: [&str; 14] = [
    "record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long", "float",
    "double", "boolean", "null",
];

impl NameRule {
    /// Says what is wrong with `name`, in Avro's words.
    pub fn check(self, name: &str) -> Result<(), String> {
        type Test = fn(char) -> bool;
        let (initial, rest): (Test, Test) = match self {
            NameRule::None => return Ok(()),
            NameRule::Strict => (|c| c.is_ascii_alphabetic(), |c| c.is_ascii_alphanumeric()),
            NameRule::Utf8 => (char::is_alphabetic, char::is_alphanumeric),
        };
        let mut chars = name.chars();
        match chars.next() {
            None => Err("Empty name".into()),
            Some(c) if c != '_' && !initial(c) => Err(format!("Illegal initial character: {name}")),
            Some(_) if chars.all(|c| c == '_' || rest(c)) => Ok(()),
            Some(_) => Err(format!("Illegal character in: {name}")),
        }
    }
}
