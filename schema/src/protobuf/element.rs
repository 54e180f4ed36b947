//! A `.proto` file as its author wrote it: declarations in order, names not yet resolved, options
//! not yet interpreted. The canonical text is a print of this tree, and differences are found on it.
//! Source: Square Wire's element tree, which Confluent's registry works on.

/// Where a declaration begins: an offset into the text, 0 in a tree that has none.
pub type At = usize;

#[derive(Clone, Debug, Default)]
pub struct File {
    pub syntax: Option<Syntax>,
    pub package: Option<String>,
    pub package_at: At,
    pub imports: Vec<Import>,
    pub options: Vec<Opt>,
    pub types: Vec<Type>,
    pub extends: Vec<Extend>,
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    Proto2,
    Proto3,
    Edition(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub kind: ImportKind,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportKind {
    Plain,
    Public,
    Weak,
}

#[derive(Clone, Debug)]
pub enum Type {
    Message(Message),
    Enum(Enum),
}

#[derive(Clone, Debug, Default)]
pub struct Message {
    pub at: At,
    pub name: String,
    pub reserved: Vec<Vec<Reserved>>,
    pub options: Vec<Opt>,
    pub fields: Vec<Field>,
    pub oneofs: Vec<OneOf>,
    pub groups: Vec<Group>,
    pub extensions: Vec<Extensions>,
    pub extends: Vec<Extend>,
    pub types: Vec<Type>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    Numbers(NumberRange),
    Name(String),
}

/// Numbers from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberRange {
    pub first: i32,
    pub last: i32,
    /// Whether its author wrote both ends: `5 to 5` is printed as such, `5` as `5`.
    pub has_both_ends: bool,
}

impl NumberRange {
    /// The range in its shortest form.
    pub fn new(first: i32, last: i32) -> NumberRange {
        NumberRange { first, last, has_both_ends: first != last }
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    pub at: At,
    pub label: Option<Label>,
    pub kind: FieldType,
    pub name: String,
    pub number: i32,
    pub default: Option<Value>,
    pub json_name: Option<String>,
    pub options: Vec<Opt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Optional,
    Required,
    Repeated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A scalar by its keyword: `"int32"`, ...
    Scalar(&'static str),
    /// A message or an enum, as written: `Foo`, `a.b.Foo`, `.a.b.Foo`.
    Named(String),
    Map(Box<(FieldType, FieldType)>),
}

#[derive(Clone, Debug)]
pub struct OneOf {
    pub at: At,
    pub name: String,
    pub options: Vec<Opt>,
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
}

/// A field and its message in one, of proto2. Both have the name of the message.
#[derive(Clone, Debug)]
pub struct Group {
    pub label: Option<Label>,
    pub number: i32,
    /// Options of the field; those of the message are in the body.
    pub options: Vec<Opt>,
    pub body: Message,
}

#[derive(Clone, Debug)]
pub struct Extensions {
    pub at: At,
    pub ranges: Vec<NumberRange>,
    pub options: Vec<Opt>,
}

#[derive(Clone, Debug)]
pub struct Extend {
    pub at: At,
    pub name: String,
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug)]
pub struct Enum {
    pub at: At,
    pub name: String,
    pub reserved: Vec<Vec<Reserved>>,
    pub options: Vec<Opt>,
    pub constants: Vec<Constant>,
}

#[derive(Clone, Debug)]
pub struct Constant {
    pub at: At,
    pub name: String,
    pub number: i32,
    pub options: Vec<Opt>,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub options: Vec<Opt>,
    pub rpcs: Vec<Rpc>,
}

#[derive(Clone, Debug)]
pub struct Rpc {
    pub name: String,
    pub request: String,
    pub request_streams: bool,
    pub response: String,
    pub response_streams: bool,
    pub options: Vec<Opt>,
}

/// `name = value`, or `(name) = value` for an option that somebody declared as an extension.
#[derive(Clone, Debug, PartialEq)]
pub struct Opt {
    pub name: String,
    pub is_extension: bool,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    String(String),
    Bool(bool),
    Number(String),
    Enum(String),
    /// The rest of a name after a dot: `(a).b = 1` is the option `a` with the part `b = 1`.
    Part(Box<Opt>),
    /// `{ key: value }`, a key said twice has a list. A key in brackets is an extension or a URL.
    Map(Vec<(String, Value)>),
    List(Vec<Value>),
}

/// The largest number that a field may have.
pub const NUMBER_MAX: i32 = 536_870_911;

pub const SCALARS: &[&str] = &[
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32",
    "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes",
];

impl FieldType {
    pub fn of_word(word: String) -> FieldType {
        match SCALARS.iter().find(|scalar| **scalar == word) {
            Some(scalar) => FieldType::Scalar(scalar),
            None => FieldType::Named(word),
        }
    }
}

impl std::fmt::Display for FieldType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FieldType::Scalar(name) => f.write_str(name),
            FieldType::Named(name) => f.write_str(name),
            FieldType::Map(pair) => write!(f, "map<{}, {}>", pair.0, pair.1),
        }
    }
}

impl Label {
    pub fn word(self) -> &'static str {
        match self {
            Label::Optional => "optional",
            Label::Required => "required",
            Label::Repeated => "repeated",
        }
    }
}

impl Type {
    pub fn name(&self) -> &str {
        match self {
            Type::Message(message) => &message.name,
            Type::Enum(enumeration) => &enumeration.name,
        }
    }

    pub fn message(&self) -> Option<&Message> {
        match self {
            Type::Message(message) => Some(message),
            Type::Enum(_) => None,
        }
    }
}

impl File {
    pub fn is_proto3(&self) -> bool {
        self.syntax == Some(Syntax::Proto3)
    }

    /// Proto2 is also what a file without a `syntax` is.
    pub fn is_proto2(&self) -> bool {
        matches!(self.syntax, None | Some(Syntax::Proto2))
    }

    pub fn package(&self) -> &str {
        self.package.as_deref().unwrap_or("")
    }
}

impl Message {
    /// The message that a descriptor holds for a map field, and its key and value.
    pub fn map_entry(&self) -> Option<(&Field, &Field)> {
        let is_entry =
            self.options.iter().any(|o| o.name == "map_entry" && o.value == Value::Bool(true));
        let field = |name| self.fields.iter().find(|field| field.name == name);
        if is_entry { field("key").zip(field("value")) } else { None }
    }

    /// Fields of the message itself and of its oneofs.
    pub fn all_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(self.oneofs.iter().flat_map(|oneof| &oneof.fields))
    }

    /// Groups of the message itself and of its oneofs.
    pub fn all_groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().chain(self.oneofs.iter().flat_map(|oneof| &oneof.groups))
    }
}
