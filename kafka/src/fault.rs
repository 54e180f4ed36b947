//! What went wrong between us and a broker: the one error of everything that asks Kafka.

use std::fmt;

use kafka_protocol::protocol::StrBytes;
use rdkafka::error::KafkaError;
use weir_trace::{Kind, Phase, Step};

use crate::code::Code;
use crate::metrics::count_error;

/// What a question to librdkafka is for the request that asks it.
const LIBRDKAFKA: Step = Step::new(Phase::Kafka, "kafka librdkafka", Kind::Client);

/// An error of Kafka's, or of the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// A sentence for people: the broker's own, where it says more than the code.
    pub reason: String,
}

impl Fault {
    pub fn new(code: Code, reason: impl Into<String>) -> Fault {
        Fault { code, reason: reason.into() }
    }

    /// The broker does not know a request, or not all of its fields.
    pub fn unsupported(request: &str) -> Fault {
        let reason = format!("The broker does not know this request ({request}).");
        Fault::new(Code::UnsupportedRequest, reason)
    }

    /// A partition, or all of a topic, that is being elected a leader.
    pub fn no_leader() -> Fault {
        Fault::new(Code::LeaderNotAvailable, "There is no leader for this topic-partition")
    }

    /// Topics that we have no rights on, in the words of Kafka's Java client.
    pub fn topics_denied<T: AsRef<str>>(topics: &[T]) -> Fault {
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        let reason = format!("Not authorized to access topics: [{}]", topics.join(", "));
        Fault::new(Code::TopicAuthorizationFailed, reason)
    }

    /// A group that we have no rights on, in the words of Kafka's Java client.
    pub fn group_denied(group: &str) -> Fault {
        let reason = format!("Not authorized to access group: {group}");
        Fault::new(Code::GroupAuthorizationFailed, reason)
    }

    /// Returns true if the same request may succeed a little later.
    pub fn is_retriable(&self) -> bool {
        self.code.is_retriable()
    }
}

impl From<Code> for Fault {
    /// In the words of Kafka's own clients.
    fn from(code: Code) -> Fault {
        Fault { code, reason: code.text() }
    }
}

impl From<KafkaError> for Fault {
    fn from(error: KafkaError) -> Fault {
        match error.rdkafka_error_code() {
            Some(code) => Fault::new(code.into(), code.to_string()),
            None => Fault::new(Code::Librdkafka, error.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

/// The fault that a number in a broker's answer stands for, with the broker's message if there is one; 0 is none.
pub fn check(number: i16, message: Option<StrBytes>) -> Result<(), Fault> {
    if number == 0 {
        return Ok(());
    }
    let code = Code::of(number);
    count_error(code);
    Err(match message.filter(|message| !message.is_empty()) {
        Some(message) => Fault::new(code, message.to_string()),
        None if code == Code::Unlisted => Fault::new(code, format!("Kafka answers {number}.")),
        None => code.into(),
    })
}

/// Asks librdkafka, which blocks where it waits for a broker, on a thread that may wait.
pub async fn blocking<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, Fault> {
    match weir_trace::wait(LIBRDKAFKA, tokio::task::spawn_blocking(question)).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Fault::new(Code::Librdkafka, "The question to librdkafka has ended early")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_fault_in_the_brokers_words_or_in_kafkas() {
        assert_eq!(check(0, None), Ok(()));
        let gone = "This server does not host this topic-partition.";
        let fault = Fault::new(Code::UnknownTopicOrPartition, gone);
        assert_eq!(check(3, Some(StrBytes::new())), Err(fault));
        let said = StrBytes::from_static_str("no");
        assert_eq!(check(44, Some(said)), Err(Fault::new(Code::PolicyViolation, "no")));
        assert_eq!(check(8, None).unwrap_err().reason, "Kafka answers BrokerNotAvailable.");
        assert_eq!(check(9999, None), Err(Fault::new(Code::Unlisted, "Kafka answers 9999.")));
    }
}
