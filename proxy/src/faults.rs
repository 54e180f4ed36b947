//! What the APIs answer to a fault of Kafka's. A request of v2 and one of v3 have the same answer, as in the reference,
//! where both go through rest-utils' `KafkaExceptionMapper`; a record of v2's produce requests has fewer codes
//! (`ProduceAction`).

use weir_kafka::{Code, Fallible, Fault};

use crate::error::ProxyError;

impl From<Fault> for ProxyError {
    fn from(fault: Fault) -> ProxyError {
        match fault.code {
            // as the reference
            Code::InvalidReplicationFactor
            | Code::TopicAlreadyExists
            | Code::PolicyViolation
            | Code::InvalidConfig
            | Code::InvalidPartitions
            | Code::InvalidRequest
            | Code::SecurityDisabled
            | Code::UnsupportedVersion
            | Code::UnknownServerError
            | Code::TopicDeletionDisabled
            | Code::InvalidTopicException
            // in requests that the reference does not have, or answers with 500
            | Code::InvalidReplicaAssignment
            | Code::InvalidGroupId
            | Code::NonEmptyGroup
            | Code::ReassignmentInProgress
            | Code::OffsetOutOfRange
            | Code::UnsupportedSettings => ProxyError::KafkaRefused { fault },
            Code::UnsupportedRequest => ProxyError::Unsupported { fault },
            code if code.is_unauthenticated() => ProxyError::Unauthenticated { fault },
            code if code.is_unauthorized() => ProxyError::Forbidden { fault },
            Code::GroupIdNotFound => ProxyError::Missing { reason: fault.reason },
            // the path names it
            Code::BrokerIdNotRegistered => ProxyError::NotFound,
            Code::PartitionNotFound => ProxyError::PartitionNotFound,
            Code::UnknownTopicOrPartition | Code::UnknownTopicId => {
                ProxyError::UnknownPartition { fault }
            }
            Code::MessageTooLarge => ProxyError::RecordTooLarge { fault },
            Code::ThrottlingQuotaExceeded => ProxyError::Throttled { fault },
            Code::BrokerNotAvailable => ProxyError::BrokerNotAvailable { fault },
            // librdkafka knows none with a leader, and may soon
            Code::UnknownPartition => ProxyError::Retriable { fault },
            code if code.is_retriable() => ProxyError::Retriable { fault },
            _ => ProxyError::Kafka { fault },
        }
    }
}

/// Another try may help, now or once there is such a topic.
const RETRIABLE: u32 = 50003;

/// Another try does not help.
const OTHER: u32 = 50002;

/// The `error_code` of a record of API v2: 40101, 40301, 50003, 50004 or 50002.
pub(crate) fn answer_to_record_v2(error: &ProxyError) -> u32 {
    match error {
        ProxyError::Unauthenticated { .. }
        | ProxyError::Forbidden { .. }
        | ProxyError::OutcomeUnknown { .. } => error.code(),
        ProxyError::NotInMetadata { .. } => RETRIABLE,
        error if error.is_worth_another_try() => RETRIABLE,
        error if error.fault().is_some_and(Fault::is_retriable) => RETRIABLE,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: Code) -> (u32, u16) {
        let error = ProxyError::from(code);
        (error.code(), error.status())
    }

    fn record(code: Code) -> u32 {
        answer_to_record_v2(&code.into())
    }

    #[test]
    fn each_code_has_an_answer_whose_number_begins_with_its_status() {
        for code in Code::ALL {
            let (error_code, status) = answer(*code);
            let digits = error_code.to_string();
            assert!(digits.starts_with(&status.to_string()), "{code}: {error_code} {status}");
        }
    }

    #[test]
    fn a_fault_is_kept_until_it_is_answered_unless_the_path_says_as_much() {
        let said = [Code::GroupIdNotFound, Code::BrokerIdNotRegistered, Code::PartitionNotFound];
        for code in Code::ALL.iter().filter(|code| !said.contains(code)) {
            let kept = ProxyError::from(*code).fault().map(|fault| fault.code);
            assert_eq!(kept, Some(*code));
        }
    }

    #[test]
    fn what_another_try_may_mend_is_not_50002() {
        for code in Code::ALL.iter().filter(|code| code.is_retriable()) {
            assert_ne!(answer(*code).0, OTHER, "{code}");
            assert!([RETRIABLE, 40101, 40301].contains(&record(*code)), "{code}");
        }
    }

    #[test]
    fn who_one_is_and_what_one_may_are_told_apart_from_all_else() {
        for code in Code::ALL {
            let (error_code, record) = (answer(*code).0, record(*code));
            assert_eq!(error_code == 40101, code.is_unauthenticated(), "{code}");
            assert_eq!(error_code == 40301, code.is_unauthorized(), "{code}");
            match error_code {
                40101 | 40301 => assert_eq!(record, error_code, "{code}"),
                _ => assert!([RETRIABLE, OTHER].contains(&record), "{code}: {record}"),
            }
        }
    }

    #[test]
    fn the_conditions_that_users_meet_have_their_answers() {
        for (code, expected) in [
            (Code::Unreachable, (50003, 500)),
            (Code::TimedOut, (50003, 500)),
            (Code::RequestTimedOut, (50003, 500)),
            (Code::NotSent, (50003, 500)),
            (Code::LeaderNotAvailable, (50003, 500)),
            (Code::BrokerNotAvailable, (50302, 503)),
            (Code::UnknownTopicOrPartition, (40403, 404)),
            (Code::PartitionNotFound, (40402, 404)),
            (Code::GroupIdNotFound, (404, 404)),
            (Code::MessageTooLarge, (413, 413)),
            (Code::InvalidRecord, (50002, 500)),
        ] {
            assert_eq!(answer(code), expected, "{code}");
        }
        assert_eq!(record(Code::UnknownTopicOrPartition), RETRIABLE);
        assert_eq!(record(Code::BrokerNotAvailable), RETRIABLE);
        assert_eq!(record(Code::MessageTooLarge), OTHER);
    }
}
