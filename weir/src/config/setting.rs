//! What a setting is: the one declaration from which its flag, its variable, its key in a file, its default and its
//! line in docs/settings.md are made.

/// The largest number that a file can have: TOML's integers have a sign.
const INTEGER_MAX: u64 = i64::MAX as u64;

/// A declaration. `config::tree` has all of them.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its place in a file: `registry.listeners`.
    pub key: &'static str,
    /// Its flag without the dashes: `registry-listener`.
    pub flag: &'static str,
    /// Its variable, where that is another than `WEIR_` and the flag in capitals; see [`Setting::variable`].
    pub named: &'static str,
    pub shape: Shape,
    /// The value that counts where no layer has one, as a variable would have it; empty if there is none.
    pub default: &'static str,
    /// What happens where no layer has a value and there is no fixed default.
    pub otherwise: &'static str,
    /// The unit of a number.
    pub unit: &'static str,
    /// The smallest number that is taken.
    pub min: u64,
    /// The largest number that is taken.
    pub max: u64,
    pub secrecy: Secrecy,
    /// Whether `weir dev` has it.
    pub dev: bool,
    /// Whether `weir serve` has it.
    pub serve: bool,
    /// What it does, in whole sentences.
    pub help: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Integer,
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Values of one shape: an array in a file, else by commas, and a flag may be given often.
    List(&'static Shape),
    /// Names with a text each: a table in a file, `NAME=VALUE` as a flag, a variable for each name.
    Names,
}

/// The part of a setting's value that must not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it may be shown.
    Open,
    /// It is a password.
    Whole,
    /// It is a URL, or several, whose user and password must not be shown.
    UrlUser,
    /// It is a table of librdkafka's settings, some of which are passwords or keys.
    ByName,
}

impl Setting {
    /// What a declaration does not say.
    pub const NEW: Setting = Setting {
        key: "",
        flag: "",
        named: "",
        shape: Shape::Text,
        default: "",
        otherwise: "",
        unit: "",
        min: 0,
        max: INTEGER_MAX,
        secrecy: Secrecy::Open,
        dev: false,
        serve: true,
        help: "",
    };

    /// The variable that sets it; of [`Shape::Names`], what the variables begin with.
    pub fn variable(&self) -> String {
        if !self.named.is_empty() {
            return self.named.to_string();
        }
        let name = format!("WEIR_{}", self.flag.replace('-', "_").to_uppercase());
        if self.shape == Shape::Names { name + "_" } else { name }
    }
}

impl Shape {
    /// What is expected of a value.
    pub fn words(&self) -> String {
        match self {
            Shape::Switch => "true or false".to_string(),
            Shape::Integer => "a whole number".to_string(),
            Shape::Text => "a string".to_string(),
            Shape::Choice(words) => format!("one of {}", words.join(", ")),
            Shape::List(Shape::Choice(words)) => format!("a list of {}", words.join(", ")),
            Shape::List(_) => "a list of strings".to_string(),
            Shape::Names => "a table of names and strings".to_string(),
        }
    }
}
