//! Addresses of brokers as Confluent's settings have them: `SASL_SSL://kafka:9092`, where a client of
//! librdkafka's wants `kafka:9092` and the protocol beside it.

use std::collections::BTreeSet;

use crate::config::problem::Reason;

/// What a connection to Kafka may be, in librdkafka's words.
const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `host:port`, by commas.
    pub servers: String,
    /// The protocol that the addresses name; none if they name none.
    pub protocol: Option<String>,
    /// Addresses of other protocols, which are not used.
    pub left_out: Vec<String>,
}

impl Addresses {
    /// Reads addresses by commas. `protocol` is what another setting says.
    ///
    /// As Confluent's registry: addresses of another protocol than is spoken are left out. Where no
    /// setting says which that is, it is the one that all addresses name, or else PLAINTEXT.
    pub fn read(text: &str, protocol: Option<&str>) -> Result<Addresses, Reason> {
        let entries: Vec<(Option<String>, &str)> = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| match entry.split_once("://") {
                Some((scheme, address)) => (Some(scheme.to_ascii_lowercase()), address),
                None => (None, entry),
            })
            .collect();
        let named: BTreeSet<&str> = entries.iter().filter_map(|(s, _)| s.as_deref()).collect();
        let spoken = match protocol {
            Some(protocol) => protocol.trim().to_ascii_lowercase(),
            None => match named.iter().copied().collect::<Vec<_>>()[..] {
                [only] => only.to_string(),
                _ => "plaintext".to_string(),
            },
        };
        if !PROTOCOLS.contains(&spoken.as_str()) {
            return Err(Reason(format!(
                "{spoken} is not a protocol of Kafka's: expected PLAINTEXT, SSL, SASL_PLAINTEXT \
                 or SASL_SSL"
            )));
        }
        let (used, other): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|(scheme, _)| scheme.as_ref().is_none_or(|scheme| *scheme == spoken));
        if used.is_empty() && !other.is_empty() {
            return Err(Reason(format!(
                "none of the addresses is for {}, which is what is to be spoken",
                spoken.to_ascii_uppercase()
            )));
        }
        let address = |(_, address): &&(Option<String>, &str)| (*address).to_string();
        Ok(Addresses {
            servers: used.iter().map(address).collect::<Vec<_>>().join(","),
            protocol: (!named.is_empty()).then_some(spoken),
            left_out: other.iter().map(address).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, protocol: Option<&str>) -> Result<(String, Option<String>), Reason> {
        let read = Addresses::read(text, protocol)?;
        Ok((read.servers, read.protocol))
    }

    #[test]
    fn addresses_name_the_protocol() {
        let found = |servers: &str, protocol: Option<&str>| {
            Ok((servers.to_string(), protocol.map(str::to_string)))
        };
        assert_eq!(read("a:1, b:2", None), found("a:1,b:2", None));
        assert_eq!(read("PLAINTEXT://a:1", None), found("a:1", Some("plaintext")));
        assert_eq!(read("SASL_SSL://a:1,SASL_SSL://b:2", None), found("a:1,b:2", Some("sasl_ssl")));
        // several: as in Confluent's registry
        let both = "PLAINTEXT://a:1,SASL_SSL://b:2,INTERNAL://c:3";
        assert_eq!(read(both, None), found("a:1", Some("plaintext")));
        assert_eq!(read(both, Some("SASL_SSL")), found("b:2", Some("sasl_ssl")));
        assert_eq!(read("a:1,SSL://b:2", Some("ssl")), found("a:1,b:2", Some("ssl")));
        for (text, protocol) in [
            ("SSL://a:1", Some("PLAINTEXT")),
            ("INTERNAL://a:1", None),
            ("SSL://a:1,SASL_SSL://b:2", None),
            ("a:1", Some("carrier_pigeon")),
        ] {
            assert!(read(text, protocol).is_err(), "{text}");
        }
        let left_out = Addresses::read(both, None).unwrap().left_out;
        assert_eq!(left_out, ["b:2", "c:3"]);
    }
}
