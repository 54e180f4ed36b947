//! What the settings of Confluent's servers are called, and of which type they are: facts of release 8.5, with those of Kafka's
//! clients 4.1 behind each prefix. `reference.tsv` has a line for each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::table::Server;

/// The type of a setting, as the reference checks it before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Boolean,
    /// A whole number of so many bits.
    Whole(u32),
    Double,
    /// A string, a list, a class or a password: everything is one.
    Text,
}

/// A setting of one of the servers.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    pub server: Server,
    pub name: &'static str,
    /// The type's name, as the reference says it: `INT`.
    pub type_name: &'static str,
    /// The reference's default; empty if that is empty or none.
    pub default: &'static str,
}

impl Reference {
    pub fn r#type(&self) -> Type {
        match self.type_name {
            "BOOLEAN" => Type::Boolean,
            "SHORT" => Type::Whole(16),
            "INT" => Type::Whole(32),
            "LONG" => Type::Whole(64),
            "DOUBLE" => Type::Double,
            _ => Type::Text,
        }
    }

    /// Returns what is wrong with a value, as the reference sees it: blanks around it do not count, an empty text is no number.
    pub fn fault(&self, value: &str) -> Option<String> {
        let text = value.trim();
        let whole = |bits: u32| {
            let number = text.parse::<i64>().ok();
            number.is_some_and(|n| i64::BITS == bits || n.unsigned_abs() < 1 << (bits - 1))
        };
        let fits = match self.r#type() {
            Type::Boolean => ["true", "false"].iter().any(|it| text.eq_ignore_ascii_case(it)),
            Type::Whole(bits) => whole(bits),
            Type::Double => text.parse::<f64>().is_ok(),
            Type::Text => true,
        };
        let expected = match self.r#type() {
            Type::Boolean => "neither true nor false",
            Type::Double => "not a number",
            _ => "not a whole number",
        };
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        (!fits).then(|| format!("{shown:?} is {expected} ({})", self.type_name))
    }
}

/// Of a value that has the wrong type, this much is said.
const SHOWN_CHARS: usize = 40;

const TEXT: &str = include_str!("reference.tsv");

type List = BTreeMap<&'static str, Reference>;

static REGISTRY: LazyLock<List> = LazyLock::new(|| list(Server::Registry));
static PROXY: LazyLock<List> = LazyLock::new(|| list(Server::Proxy));

fn list(server: Server) -> List {
    let wanted = if server == Server::Proxy { "proxy" } else { "registry" };
    let settings = TEXT.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        let (of, name, type_name) = (columns.next()?, columns.next()?, columns.next()?);
        let default = columns.next().unwrap_or_default();
        (of == wanted).then_some((name, Reference { server, name, type_name, default }))
    });
    settings.collect()
}

/// All settings, the proxy's first, by name.
pub fn all() -> impl Iterator<Item = &'static Reference> {
    PROXY.values().chain(REGISTRY.values())
}

/// The setting of a server with this name.
pub fn find(server: Server, name: &str) -> Option<&'static Reference> {
    let list = if server == Server::Proxy { &*PROXY } else { &*REGISTRY };
    // what is for all clients of Kafka is what one kind of them has
    let of_kinds = name
        .strip_prefix("client.")
        .map(|rest| ["producer.", "consumer.", "admin."].map(|kind| format!("{kind}{rest}")));
    let of_kind = || of_kinds.iter().flatten().find_map(|name| list.get(name.as_str()));
    list.get(name).or_else(of_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_wrong_type_are_found() {
        let fault = |server, name, value| find(server, name).unwrap().fault(value);
        for (name, value) in [
            ("producer.threads", " 7 "),
            ("rate.limit.enable", " TRUE "),
            ("client.linger.ms", "5"),
        ] {
            assert_eq!(fault(Server::Proxy, name, value), None, "{name}");
        }
        for (name, value, said) in [
            ("producer.threads", "abc", "\"abc\" is not a whole number (INT)"),
            ("producer.threads", "", "\"\" is not a whole number (INT)"),
            ("producer.threads", "2147483648", "\"2147483648\" is not a whole number (INT)"),
            ("api.v2.enable", "yes", "\"yes\" is neither true nor false (BOOLEAN)"),
            ("percentile.max.latency.ms", "x", "\"x\" is not a number (DOUBLE)"),
        ] {
            assert_eq!(fault(Server::Proxy, name, value).as_deref(), Some(said));
        }
        assert!(find(Server::Registry, "no.such").is_none());
    }

    #[test]
    fn the_list_is_whole() {
        assert_eq!(all().count(), TEXT.lines().count() - 1);
    }
}
