//! Topics and partitions by name.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use kafka_protocol::messages::TopicName as WireName;
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Serialize};

/// Letters of a topic's name.
const NAME_MAX: usize = 249;

/// A name that a topic can have: 1 to 249 ASCII letters, digits, `.`, `_` and `-`, and neither `.` nor `..`.
///
/// librdkafka ends the process where a name is too long, so it is given none that is not of this type. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TopicName(Arc<str>);

/// That no topic can be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTopicName;

impl TopicName {
    /// The name, if a topic can be called so.
    pub fn parse(name: &str) -> Result<TopicName, InvalidTopicName> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let is_valid = (1..=NAME_MAX).contains(&name.len())
            && name.bytes().all(allowed)
            && ![".", ".."].contains(&name);
        if is_valid { Ok(TopicName(name.into())) } else { Err(InvalidTopicName) }
    }

    /// A name that a broker has given, which has checked it.
    pub(crate) fn given(name: &str) -> TopicName {
        TopicName(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TopicName {
    type Error = InvalidTopicName;

    fn try_from(name: String) -> Result<TopicName, InvalidTopicName> {
        TopicName::parse(&name)
    }
}

/// A name as Kafka's protocol has it.
pub(crate) fn wire_name(name: &str) -> WireName {
    WireName(StrBytes::from_string(name.to_string()))
}

impl Deref for TopicName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidTopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a topic's name has 1 to 249 letters, digits, '.', '_' and '-'")
    }
}

impl std::error::Error for InvalidTopicName {}

/// A partition of a topic. In order by topic, and then by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition {
    pub topic: TopicName,
    #[serde(rename = "partition")]
    pub number: i32,
}

impl Partition {
    pub fn new(topic: TopicName, number: i32) -> Partition {
        Partition { topic, number }
    }
}

impl fmt::Display for Partition {
    /// Writes it as Kafka's own tools do: `flights-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_topic_can_have_is_refused() {
        for name in ["a", "A.b_c-9", "...", &"x".repeat(NAME_MAX)] {
            assert_eq!(TopicName::parse(name).as_deref(), Ok(name));
        }
        for name in ["", ".", "..", "a b", "a/b", "a\0", "ä", &"x".repeat(NAME_MAX + 1)] {
            assert_eq!(TopicName::parse(name), Err(InvalidTopicName), "{name}");
        }
    }

    #[test]
    fn a_name_that_no_topic_can_have_is_not_read_back() {
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StrDeserializer};
        let read = |name: &str| {
            let name: StrDeserializer<'_, Error> = name.into_deserializer();
            TopicName::deserialize(name)
        };
        assert_eq!(read("flights").as_deref(), Ok("flights"));
        assert!(read("a b").is_err());
    }

    #[test]
    fn partitions_sort_by_topic_and_then_by_number() {
        let of = |topic, number| Partition::new(TopicName::parse(topic).unwrap(), number);
        let mut partitions = vec![of("b", 1), of("a", 10), of("a", 2)];
        partitions.sort();
        assert_eq!(partitions, [of("a", 2), of("a", 10), of("b", 1)]);
        assert_eq!(partitions[0].to_string(), "a-2");
    }
}
