//! What `--from` and `--to` name.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;

/// Somewhere that a registry's records are, or can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A running registry.
    Live(Url),
    /// A topic, `kafka://host:port,../topic`.
    Kafka { bootstrap_servers: String, topic: String },
    /// The data folder of a weir that does not run, `sled:FOLDER`.
    Sled(PathBuf),
    /// A dump.
    File(PathBuf),
    /// A dump that goes through a pipe, `-`.
    Pipe,
}

impl Place {
    pub fn parse(text: &str) -> Result<Place, String> {
        if text == "-" {
            return Ok(Place::Pipe);
        }
        if let Some(folder) = text.strip_prefix("sled:") {
            return Ok(Place::Sled(folder.into()));
        }
        match text.split_once("://") {
            None => Ok(Place::File(text.into())),
            Some(("http" | "https", _)) => {
                let url = Url::parse(text)
                    .map_err(|e| format!("{} is no URL: {e}", without_user(text)))?;
                Ok(Place::Live(url))
            }
            Some(("kafka", rest)) => match rest.split_once('/') {
                Some((servers, topic)) if !servers.is_empty() && !topic.is_empty() => {
                    let (bootstrap_servers, topic) = (servers.to_string(), topic.to_string());
                    Ok(Place::Kafka { bootstrap_servers, topic })
                }
                _ => Err(format!("{}: expected kafka://HOST:PORT,.../TOPIC", without_user(text))),
            },
            Some(_) => Err(format!(
                "{}: expected http://, https://, kafka://, sled:FOLDER, a file or -",
                without_user(text)
            )),
        }
    }

    /// Whether it can be read a second time.
    pub fn can_be_read_again(&self) -> bool {
        *self != Place::Pipe
    }
}

/// As it was given, but for a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Live(url) => f.write_str(&shown(url)),
            Place::Kafka { bootstrap_servers, topic } => {
                f.write_str(&without_user(&format!("kafka://{bootstrap_servers}/{topic}")))
            }
            Place::Sled(folder) => write!(f, "sled:{}", folder.display()),
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Pipe => f.write_str("-"),
        }
    }
}

/// What may be a URL without the user and the password that may stand in it.
pub fn without_user(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}", &rest[host..])
}

/// A URL without what is secret of it.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // a URL with a host can have neither refused
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_what_it_is() {
        let kafka = Place::Kafka { bootstrap_servers: "a:1,b:2".into(), topic: "_schemas".into() };
        for (text, place) in [
            ("-", Place::Pipe),
            ("dump.jsonl", Place::File("dump.jsonl".into())),
            ("sled:/var/lib/weir", Place::Sled("/var/lib/weir".into())),
            ("kafka://a:1,b:2/_schemas", kafka),
        ] {
            let parsed = Place::parse(text).unwrap();
            assert_eq!((&parsed, parsed.to_string().as_str()), (&place, text));
        }
        for wrong in ["ftp://a/b", "kafka://a:1", "kafka:///t", "http://"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let place = Place::parse("https://me:secret@registry:8081/apis/ccompat/v7").unwrap();
        assert_eq!(place.to_string(), "https://registry:8081/apis/ccompat/v7");
        for wrong in ["http://me:secret@", "ftp://me:secret@a/b", "kafka://me:secret@a:1"] {
            let error = Place::parse(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        let place = Place::parse("kafka://me:secret@a:1/t").unwrap();
        assert_eq!(place.to_string(), "kafka://a:1/t");
    }
}
