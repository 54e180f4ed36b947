//! Subjects of a topic's records.

use std::fmt;
use std::sync::Arc;

use weir_registry_api::Subject;

use crate::error::ClientError;
use crate::part::Part;

impl Part {
    /// The subject of this part of a topic's records, as [`SubjectNameStrategy::Topic`] has it.
    pub fn subject(self, topic: &str) -> Result<Subject, ClientError> {
        SubjectNameStrategy::Topic.subject(topic, self, None)
    }
}

/// How the subject is called under which a record's schema is registered. The names are Confluent's.
#[derive(Clone, Default)]
pub enum SubjectNameStrategy {
    /// `<topic>-key` or `<topic>-value`: all records of a topic have versions of one schema.
    #[default]
    Topic,
    /// The full name of the record's type, whatever the topic. Only named types have one.
    Record,
    /// `<topic>-<full name>`: a topic may have records of several types.
    TopicRecord,
    /// What this makes of a topic, a part, and the type's full name if it has one.
    Custom(Custom),
}

/// A subject's name from a topic, a part and the full name of the record's type, if it has one.
pub type Custom = Arc<dyn Fn(&str, Part, Option<&str>) -> String + Send + Sync>;

impl fmt::Debug for SubjectNameStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Topic => "Topic",
            Self::Record => "Record",
            Self::TopicRecord => "TopicRecord",
            Self::Custom(_) => "Custom",
        })
    }
}

impl SubjectNameStrategy {
    pub(crate) fn subject(
        &self,
        topic: &str,
        part: Part,
        record: Option<&str>,
    ) -> Result<Subject, ClientError> {
        let wrong = |why: &str| ClientError::Configuration(why.into());
        let record_name = || {
            let why = "the schema has no name, which the subject is to be called by";
            record.ok_or_else(|| wrong(why))
        };
        check_topic(topic)?;
        let name = match (self, part) {
            (Self::Topic, Part::Key) => format!("{topic}-key"),
            (Self::Topic, Part::Value) => format!("{topic}-value"),
            (Self::Record, _) => record_name()?.to_string(),
            (Self::TopicRecord, _) => format!("{topic}-{}", record_name()?),
            (Self::Custom(custom), _) => custom(topic, part, record),
        };
        Subject::new(&name).map_err(|e| wrong(&e.to_string()))
    }
}

/// An error if nothing can be written to a topic of this name.
pub(crate) fn check_topic(topic: &str) -> Result<(), ClientError> {
    match topic.is_empty() {
        true => Err(ClientError::Configuration("the topic's name is empty".into())),
        false => Ok(()),
    }
}
