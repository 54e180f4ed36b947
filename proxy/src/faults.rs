//! What the APIs answer to a fault of Kafka's. A request of v2 and one of v3 have the same answer, as in the reference,
//! where both go through rest-utils' `KafkaExceptionMapper`; a record of v2's produce requests has fewer codes
//! (`ProduceAction`).

use weir_kafka::Code;

/// `error_code` and HTTP status, and what is answered so.
type Row = (u32, u16, &'static [Code]);

/// Codes that have an answer of their own. The rest is 50003 if another try may help, and 50002 if not.
const ANSWERS: [Row; 11] = [
    (
        40002,
        400,
        &[
            // as the reference
            Code::InvalidReplicationFactor,
            Code::TopicAlreadyExists,
            Code::PolicyViolation,
            Code::InvalidConfig,
            Code::InvalidPartitions,
            Code::InvalidRequest,
            Code::SecurityDisabled,
            Code::UnsupportedVersion,
            Code::UnknownServerError,
            Code::TopicDeletionDisabled,
            Code::InvalidTopicException,
            // in requests that the reference does not have, or answers with 500
            Code::InvalidReplicaAssignment,
            Code::InvalidGroupId,
            Code::NonEmptyGroup,
            Code::ReassignmentInProgress,
            Code::OffsetOutOfRange,
            Code::UnsupportedRequest,
            Code::UnsupportedSettings,
        ],
    ),
    (
        40101,
        401,
        &[Code::SaslAuthenticationFailed, Code::UnsupportedSaslMechanism, Code::IllegalSaslState],
    ),
    (
        40301,
        403,
        &[
            Code::TopicAuthorizationFailed,
            Code::GroupAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::TransactionalIdAuthorizationFailed,
            Code::DelegationTokenAuthorizationFailed,
        ],
    ),
    (404, 404, &[Code::GroupIdNotFound, Code::BrokerIdNotRegistered]),
    (40402, 404, &[Code::PartitionNotFound]),
    // the number of another error, and the reference's
    (40403, 404, &[Code::UnknownTopicOrPartition, Code::UnknownTopicId]),
    (413, 413, &[Code::MessageTooLarge]),
    (42901, 429, &[Code::ThrottlingQuotaExceeded]),
    (RETRIABLE, 500, &[Code::UnknownPartition]),
    (50302, 503, &[Code::BrokerNotAvailable]),
    (OTHER, 500, &[Code::Librdkafka, Code::Unlisted, Code::Unreadable]),
];

/// Another try may help.
const RETRIABLE: u32 = 50003;

/// Another try does not help.
const OTHER: u32 = 50002;

/// The `error_code` and the HTTP status of a request that has come to this.
pub(crate) fn answer(code: Code) -> (u32, u16) {
    let row = ANSWERS.iter().find(|(_, _, codes)| codes.contains(&code));
    match row {
        Some((error_code, status, _)) => (*error_code, *status),
        None if code.is_retriable() => (RETRIABLE, 500),
        None => (OTHER, 500),
    }
}

/// The `error_code` of a record of API v2: 40101, 40301, 50003 or 50002.
pub(crate) fn answer_to_record_v2(code: Code) -> u32 {
    match answer(code).0 {
        answer @ (40101 | 40301) => answer,
        _ if is_worth_another_try(code) => RETRIABLE,
        _ => OTHER,
    }
}

/// Returns true if a record may be sent again: no broker has written it.
pub(crate) fn is_worth_another_try(code: Code) -> bool {
    code.is_retriable() || matches!(code, Code::UnknownPartition | Code::BrokerNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_once_in_the_table() {
        let listed: Vec<Code> = ANSWERS.iter().flat_map(|(_, _, codes)| *codes).copied().collect();
        for code in &listed {
            assert_eq!(listed.iter().filter(|other| *other == code).count(), 1, "{code}");
        }
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
    fn what_our_side_finds_is_in_the_table_or_retriable() {
        let own = Code::ALL.iter().filter(|code| code.number().is_none());
        for code in own {
            let is_listed = ANSWERS.iter().any(|(_, _, codes)| codes.contains(code));
            assert!(is_listed || code.is_retriable(), "{code}");
        }
    }

    #[test]
    fn who_one_is_and_what_one_may_are_told_apart_from_all_else() {
        for code in Code::ALL {
            let (error_code, record) = (answer(*code).0, answer_to_record_v2(*code));
            assert_eq!(error_code == 40101, code.is_unauthenticated(), "{code}");
            assert_eq!(error_code == 40301, code.is_unauthorized(), "{code}");
            match error_code {
                40101 | 40301 => assert_eq!(record, error_code, "{code}"),
                _ => assert!([RETRIABLE, OTHER].contains(&record), "{code}: {record}"),
            }
        }
    }

    #[test]
    fn a_fault_that_another_try_may_mend_says_so_unless_it_has_a_code_of_its_own() {
        for (code, expected) in [
            (Code::Unreachable, (50003, 500)),
            (Code::TimedOut, (50003, 500)),
            (Code::RequestTimedOut, (50003, 500)),
            (Code::NotSent, (50003, 500)),
            (Code::LeaderNotAvailable, (50003, 500)),
            (Code::BrokerNotAvailable, (50302, 503)),
            (Code::UnknownTopicOrPartition, (40403, 404)),
            (Code::InvalidRecord, (50002, 500)),
        ] {
            assert_eq!(answer(code), expected, "{code}");
        }
        assert_eq!(answer_to_record_v2(Code::UnknownTopicOrPartition), RETRIABLE);
        assert_eq!(answer_to_record_v2(Code::MessageTooLarge), OTHER);
    }
}
