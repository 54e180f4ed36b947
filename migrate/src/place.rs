//! What `--from` and `--to` name.

use std::path::PathBuf;
use std::str::FromStr;
use std::{error, fmt};

use reqwest::Url;
use weir_serde::without_password;

/// Somewhere that a registry's records are, or can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A running registry.
    Registry(Url),
    /// Records without a registry.
    Records(Store),
}

/// Where records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A topic, `kafka://host:port,../topic`.
    Topic { bootstrap_servers: String, topic: String },
    /// The data folder of a Weir that does not run, `sled:FOLDER`.
    Sled(PathBuf),
    /// A dump, or the folder of Karapace's backup V3.
    File(PathBuf),
    /// A dump that goes through a pipe, `-`.
    Pipe,
}

/// A text that names no place. Errors show it without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceError {
    /// It begins as a URL, and is none.
    Url { text: String, why: String },
    /// It begins with `kafka://` and lacks brokers or a topic.
    Topic { text: String },
    /// It begins with a scheme that is not known.
    Scheme { text: String },
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Place, PlaceError> {
        let shown = || without_password(text);
        let store = match text.split_once("://") {
            _ if text == "-" => Store::Pipe,
            _ if text.starts_with("sled:") => Store::Sled(text["sled:".len()..].into()),
            None => Store::File(text.into()),
            Some(("http" | "https", _)) => {
                let url = Url::parse(text)
                    .map_err(|e| PlaceError::Url { text: shown(), why: e.to_string() })?;
                return Ok(Place::Registry(url));
            }
            Some(("kafka", rest)) => match rest.split_once('/') {
                Some((servers, topic)) if !servers.is_empty() && !topic.is_empty() => {
                    let (bootstrap_servers, topic) = (servers.to_string(), topic.to_string());
                    Store::Topic { bootstrap_servers, topic }
                }
                _ => return Err(PlaceError::Topic { text: shown() }),
            },
            Some(_) => return Err(PlaceError::Scheme { text: shown() }),
        };
        Ok(Place::Records(store))
    }
}

impl Place {
    /// Returns whether it can be read a second time.
    pub fn can_be_read_again(&self) -> bool {
        *self != Place::Records(Store::Pipe)
    }
}

/// As it was given, but for a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Registry(url) => {
                f.write_str(without_password(url.as_str()).trim_end_matches('/'))
            }
            Place::Records(store) => store.fmt(f),
        }
    }
}

/// As it was given, but for a password.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Store::Topic { bootstrap_servers, topic } => {
                f.write_str(&without_password(&format!("kafka://{bootstrap_servers}/{topic}")))
            }
            Store::Sled(folder) => write!(f, "sled:{}", folder.display()),
            Store::File(path) => write!(f, "{}", path.display()),
            Store::Pipe => f.write_str("-"),
        }
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaceError::Url { text, why } => write!(f, "{text} is no URL: {why}"),
            PlaceError::Topic { text } => {
                write!(f, "{text}: expected kafka://HOST:PORT,.../TOPIC")
            }
            PlaceError::Scheme { text } => {
                write!(f, "{text}: expected http://, https://, kafka://, sled:FOLDER, a file or -")
            }
        }
    }
}

impl error::Error for PlaceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_what_it_is() {
        let kafka = Store::Topic { bootstrap_servers: "a:1,b:2".into(), topic: "_schemas".into() };
        for (text, store) in [
            ("-", Store::Pipe),
            ("dump.jsonl", Store::File("dump.jsonl".into())),
            ("sled:/var/lib/weir", Store::Sled("/var/lib/weir".into())),
            ("kafka://a:1,b:2/_schemas", kafka),
        ] {
            let parsed: Place = text.parse().unwrap();
            assert_eq!(parsed, Place::Records(store));
            assert_eq!(parsed.to_string(), text);
        }
        for wrong in ["ftp://a/b", "kafka://a:1", "kafka:///t", "http://"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let place = Place::from_str("https://me:secret@registry:8081/apis/ccompat/v7").unwrap();
        assert_eq!(place.to_string(), "https://registry:8081/apis/ccompat/v7");
        for wrong in ["http://me:secret@", "ftp://me:secret@a/b", "kafka://me:secret@a:1"] {
            let error = wrong.parse::<Place>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let place = Place::from_str("kafka://me:secret@a:1/t").unwrap();
        assert_eq!(place.to_string(), "kafka://a:1/t");
    }
}
