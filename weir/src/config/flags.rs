//! The flags of `weir serve`, `weir dev` and `weir config`, made of the declarations.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::layers::Layers;
use super::problem::Problem;
use super::setting::{Setting, Shape};
use super::source::Source;
use super::tree::{SETTINGS, find};
use super::value::{Given, Text};

/// The flag that says where the file is.
const CONFIG: &str = "config";

/// What flags say: texts by key, in their order.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file that `--config` names.
    pub config: Option<String>,
    /// Files of properties that arguments name.
    pub properties: Vec<String>,
    texts: Vec<(&'static str, Vec<String>)>,
}

impl Flags {
    /// The layer of the flags.
    pub fn layers(&self, problems: &mut Vec<Problem>) -> Layers {
        let mut layers = Layers::default();
        for (key, texts) in &self.texts {
            let Some(setting) = find(key) else { continue };
            match given(setting, texts) {
                Ok(given) => layers.push(setting, given),
                Err(problem) => problems.push(problem),
            }
        }
        layers
    }

    fn of_matches(matches: &ArgMatches, settings: &[&'static Setting]) -> Flags {
        let texts = settings.iter().filter_map(|setting| {
            let texts: Vec<String> = matches.get_many(setting.key)?.cloned().collect();
            Some((setting.key, texts))
        });
        Flags {
            config: matches.get_one(CONFIG).cloned(),
            properties: Vec::new(),
            texts: texts.collect(),
        }
    }
}

fn given(setting: &Setting, texts: &[String]) -> Result<Given, Problem> {
    let source = Source::Flag(setting.flag);
    if setting.shape == Shape::Names {
        let names: Result<BTreeMap<_, _>, _> =
            texts.iter().map(|text| name_and_value(setting, text)).collect();
        return names.map(Given::Named);
    }
    Ok(Given::of_text(setting, &texts.join(","), &source))
}

fn name_and_value(setting: &Setting, text: &str) -> Result<(String, Text), Problem> {
    let source = Source::Flag(setting.flag);
    match named(text) {
        Ok((name, value)) => Ok((name.to_string(), Text { text: value.to_string(), source })),
        // what is no name may be a password
        Err(name) => Err(Problem::at(&source, format!("{name}: expected NAME=VALUE"))),
    }
}

/// Name and value of `NAME=VALUE`; an error is what can be shown of another text.
pub fn named(text: &str) -> Result<(&str, &str), &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.split_once('=').ok_or_else(|| text.split(|c| !is_name(c)).next().unwrap_or_default())
}

fn argument(setting: &'static Setting) -> Arg {
    let argument = Arg::new(setting.key)
        .long(setting.flag)
        .help(help(setting))
        .hide_possible_values(true)
        .value_parser(AnyText { suggested: suggested(setting.shape) });
    match setting.shape {
        Shape::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_default_value(true)
            .value_name("BOOL"),
        Shape::Integer => argument.value_name("NUMBER").allow_hyphen_values(true),
        Shape::Names => argument.value_name("NAME=VALUE").action(ArgAction::Append),
        Shape::List(_) => argument.value_name("VALUE,..").action(ArgAction::Append),
        Shape::Text | Shape::Choice(_) => argument.value_name("VALUE"),
    }
}

/// Takes any text, because all mistakes of settings are said together and later; shells suggest words that are right.
#[derive(Clone)]
struct AnyText {
    suggested: &'static [&'static str],
}

impl TypedValueParser for AnyText {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        if self.suggested.is_empty() {
            return None;
        }
        Some(Box::new(self.suggested.iter().map(PossibleValue::new)))
    }
}

/// The words that a shell suggests for a value.
fn suggested(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Choice(words) => words,
        Shape::List(Shape::Choice(words)) => words,
        Shape::Switch => &["true", "false"],
        _ => &[],
    }
}

fn help(setting: &Setting) -> String {
    let mut help = setting.help.trim().to_string();
    let one = match setting.shape {
        Shape::List(of) => *of,
        shape => shape,
    };
    if let Shape::Choice(words) = one {
        help += &format!(" [of: {}]", words.join(", "));
    }
    if !setting.unit.is_empty() {
        help += &format!(" [unit: {}]", setting.unit);
    }
    match (setting.default, setting.otherwise) {
        ("", "") => {}
        ("", otherwise) => help += &format!(" [default: {}]", otherwise.replace('`', "")),
        (default, _) => help += &format!(" [default: {default}]"),
    }
    let name = if setting.shape == Shape::Names { "<NAME>" } else { "" };
    help + &format!(" [env: {}{name}]", setting.variable())
}

fn arguments(command: Command, settings: &[&'static Setting]) -> Command {
    let config = Arg::new(CONFIG).long(CONFIG).value_name("FILE").help(
        "The file with settings [default: ./weir.toml, else /etc/weir/weir.toml, if it is there; weir dev reads \
         none] [env: WEIR_CONFIG]",
    );
    command.arg(config).args(settings.iter().map(|setting| argument(setting)))
}

/// Declares the flags of a command: those of the settings that `$which` is true of.
macro_rules! flags_of {
    ($(#[doc = $doc:literal])* $name:ident, $which:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name(pub Flags);

        impl $name {
            fn settings() -> Vec<&'static Setting> {
                SETTINGS.iter().filter($which).collect()
            }
        }

        impl clap::FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<$name, clap::Error> {
                Ok($name(Flags::of_matches(matches, &$name::settings())))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = $name(Flags::of_matches(matches, &$name::settings()));
                Ok(())
            }
        }

        impl clap::Args for $name {
            fn augment_args(command: Command) -> Command {
                arguments(command, &$name::settings())
            }

            fn augment_args_for_update(command: Command) -> Command {
                arguments(command, &$name::settings())
            }
        }
    };
}

flags_of! {
    /// The flags of `weir serve` and `weir config`: all but those of `weir dev` alone.
    ServeFlags, |setting| setting.serve
}

flags_of! {
    /// The flags of `weir dev`.
    DevFlags, |setting| setting.dev
}
