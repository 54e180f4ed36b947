//! Kafka's error codes, with what else may keep a question from its answer. Source: Kafka's `Errors`.

use std::fmt;

use kafka_protocol::error::ResponseError;
use rdkafka::error::RDKafkaErrorCode;

macro_rules! codes {
    (
        kafka { $($number:literal $name:ident)* }
        client { $($(#[$doc:meta])* $own:ident)* }
    ) => {
        /// What went wrong: a broker's answer by Kafka's own name, or what our side found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($name,)*
            $($(#[$doc])* $own,)*
        }

        impl Code {
            /// All codes, those of our own at the end.
            pub const ALL: &[Code] = &[$(Code::$name,)* $(Code::$own,)*];

            /// The code of a number in Kafka's protocol; [`Code::Unlisted`] of one that is not in this list, as 0.
            pub fn of(number: i16) -> Code {
                match number { $($number => Code::$name,)* _ => Code::Unlisted }
            }

            /// Its number in Kafka's protocol, if it is one of Kafka's.
            pub fn number(self) -> Option<i16> {
                match self { $(Code::$name => Some($number),)* $(Code::$own => None,)* }
            }

            fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* $(Code::$own => stringify!($own),)* }
            }
        }
    };
}

codes! {
    kafka {
        -1  UnknownServerError
        1   OffsetOutOfRange
        2   CorruptMessage
        3   UnknownTopicOrPartition
        4   InvalidFetchSize
        5   LeaderNotAvailable
        6   NotLeaderOrFollower
        7   RequestTimedOut
        8   BrokerNotAvailable
        9   ReplicaNotAvailable
        10  MessageTooLarge
        11  StaleControllerEpoch
        12  OffsetMetadataTooLarge
        13  NetworkException
        14  CoordinatorLoadInProgress
        15  CoordinatorNotAvailable
        16  NotCoordinator
        17  InvalidTopicException
        18  RecordListTooLarge
        19  NotEnoughReplicas
        20  NotEnoughReplicasAfterAppend
        21  InvalidRequiredAcks
        22  IllegalGeneration
        23  InconsistentGroupProtocol
        24  InvalidGroupId
        25  UnknownMemberId
        26  InvalidSessionTimeout
        27  RebalanceInProgress
        28  InvalidCommitOffsetSize
        29  TopicAuthorizationFailed
        30  GroupAuthorizationFailed
        31  ClusterAuthorizationFailed
        32  InvalidTimestamp
        33  UnsupportedSaslMechanism
        34  IllegalSaslState
        35  UnsupportedVersion
        36  TopicAlreadyExists
        37  InvalidPartitions
        38  InvalidReplicationFactor
        39  InvalidReplicaAssignment
        40  InvalidConfig
        41  NotController
        42  InvalidRequest
        43  UnsupportedForMessageFormat
        44  PolicyViolation
        45  OutOfOrderSequenceNumber
        46  DuplicateSequenceNumber
        47  InvalidProducerEpoch
        48  InvalidTxnState
        49  InvalidProducerIdMapping
        50  InvalidTransactionTimeout
        51  ConcurrentTransactions
        52  TransactionCoordinatorFenced
        53  TransactionalIdAuthorizationFailed
        54  SecurityDisabled
        55  OperationNotAttempted
        56  KafkaStorageError
        57  LogDirNotFound
        58  SaslAuthenticationFailed
        59  UnknownProducerId
        60  ReassignmentInProgress
        61  DelegationTokenAuthDisabled
        62  DelegationTokenNotFound
        63  DelegationTokenOwnerMismatch
        64  DelegationTokenRequestNotAllowed
        65  DelegationTokenAuthorizationFailed
        66  DelegationTokenExpired
        67  InvalidPrincipalType
        68  NonEmptyGroup
        69  GroupIdNotFound
        70  FetchSessionIdNotFound
        71  InvalidFetchSessionEpoch
        72  ListenerNotFound
        73  TopicDeletionDisabled
        74  FencedLeaderEpoch
        75  UnknownLeaderEpoch
        76  UnsupportedCompressionType
        77  StaleBrokerEpoch
        78  OffsetNotAvailable
        79  MemberIdRequired
        80  PreferredLeaderNotAvailable
        81  GroupMaxSizeReached
        82  FencedInstanceId
        83  EligibleLeadersNotAvailable
        84  ElectionNotNeeded
        85  NoReassignmentInProgress
        86  GroupSubscribedToTopic
        87  InvalidRecord
        88  UnstableOffsetCommit
        89  ThrottlingQuotaExceeded
        90  ProducerFenced
        91  ResourceNotFound
        92  DuplicateResource
        93  UnacceptableCredential
        94  InconsistentVoterSet
        95  InvalidUpdateVersion
        96  FeatureUpdateFailed
        97  PrincipalDeserializationFailure
        98  SnapshotNotFound
        99  PositionOutOfRange
        100 UnknownTopicId
        101 DuplicateBrokerRegistration
        102 BrokerIdNotRegistered
        103 InconsistentTopicId
        104 InconsistentClusterId
        105 TransactionalIdNotFound
        106 FetchSessionTopicIdError
        107 IneligibleReplica
        108 NewLeaderElected
        109 OffsetMovedToTieredStorage
        110 FencedMemberEpoch
        111 UnreleasedInstanceId
        112 UnsupportedAssignor
        113 StaleMemberEpoch
        114 MismatchedEndpointType
        115 UnsupportedEndpointType
        116 UnknownControllerId
        117 UnknownSubscriptionId
        118 TelemetryTooLarge
        119 InvalidRegistration
        120 TransactionAbortable
        121 InvalidRecordState
        122 ShareSessionNotFound
        123 InvalidShareSessionEpoch
        124 FencedStateEpoch
        125 InvalidVoterKey
        126 DuplicateVoter
        127 VoterNotFound
        128 InvalidRegularExpression
        129 RebootstrapRequired
        130 StreamsInvalidTopology
        131 StreamsInvalidTopologyEpoch
        132 StreamsTopologyFenced
        133 ShareSessionLimitReached
    }
    client {
        /// No connection to a broker can be had, or it ended before the answer.
        Unreachable
        /// The answer has not come in time: whether the broker has done what was asked is not known.
        TimedOut
        /// The broker does not know the request.
        UnsupportedRequest
        /// The settings want what connections of our own do not have.
        UnsupportedSettings
        /// An answer that cannot be understood, or lacks what was asked for.
        Unreadable
        /// A record that no broker was given.
        NotSent
        /// The topic is there, and has no partition of this number.
        PartitionNotFound
        /// librdkafka knows no such partition, or none with a leader.
        UnknownPartition
        /// librdkafka cannot do it in its present state, and may be able to a little later.
        Busy
        /// Another error of librdkafka's.
        Librdkafka
        /// A code of a broker that is newer than this list.
        Unlisted
    }
}

impl Code {
    /// Returns true if Kafka's own clients may try again on their own, or what our side found may be gone with
    /// the next try.
    pub fn is_retriable(self) -> bool {
        match self.number() {
            Some(number) => {
                ResponseError::try_from_code(number).is_some_and(|error| error.is_retriable())
            }
            None => matches!(self, Code::Unreachable | Code::TimedOut | Code::NotSent | Code::Busy),
        }
    }

    /// Returns true if the same question may be answered otherwise within its own time: a leader that is being
    /// elected, a broker that fell. What may take longer is answered at once: a topic that is not there, a quota.
    pub fn may_pass(self) -> bool {
        match self {
            Code::BrokerNotAvailable => true,
            Code::UnknownTopicOrPartition
            | Code::UnknownTopicId
            | Code::ThrottlingQuotaExceeded => false,
            code => code.is_retriable(),
        }
    }

    /// Returns true if no broker has answered, so that another may.
    pub fn is_unanswered(self) -> bool {
        matches!(self, Code::Unreachable | Code::TimedOut)
    }

    /// Returns true if Kafka does not let the client in, whoever it says it is.
    pub fn is_unauthenticated(self) -> bool {
        matches!(
            self,
            Code::SaslAuthenticationFailed
                | Code::UnsupportedSaslMechanism
                | Code::IllegalSaslState
        )
    }

    /// Returns true if the client has no right to do this.
    pub fn is_unauthorized(self) -> bool {
        matches!(
            self,
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::DelegationTokenAuthorizationFailed
        )
    }

    /// A sentence for people, where the broker says no more than the code: that of Kafka's own clients for what users
    /// meet.
    pub(crate) fn text(self) -> String {
        let text = match self {
            Code::UnknownTopicOrPartition => "This server does not host this topic-partition.",
            Code::OffsetOutOfRange => {
                "The requested offset is not within the range of offsets maintained by the server."
            }
            Code::PartitionNotFound => "Partition not found.",
            Code::GroupIdNotFound => "The group id does not exist.",
            Code::NonEmptyGroup => "The group is not empty.",
            Code::UnknownMemberId => "The group has active members.",
            Code::LeaderNotAvailable => {
                "There is no leader for this topic-partition as we are in the middle of a leadership election."
            }
            Code::NotLeaderOrFollower => {
                "For requests intended only for the leader, this error indicates that the broker is not the current leader."
            }
            Code::CoordinatorNotAvailable => "The coordinator is not available.",
            Code::NotCoordinator => "This is not the correct coordinator.",
            Code::RequestTimedOut => "The request timed out.",
            Code::TopicAlreadyExists => "Topic with this name already exists.",
            Code::InvalidTopicException => {
                "The request attempted to perform an operation on an invalid topic."
            }
            Code::TopicAuthorizationFailed => "Topic authorization failed.",
            Code::GroupAuthorizationFailed => "Group authorization failed.",
            Code::ClusterAuthorizationFailed => "Cluster authorization failed.",
            Code::PolicyViolation => "Request parameters do not satisfy the configured policy.",
            Code::SecurityDisabled => "Security features are disabled.",
            code => return format!("Kafka answers {code}."),
        };
        text.to_string()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<RDKafkaErrorCode> for Code {
    /// librdkafka gives a broker's codes Kafka's numbers, and its own ones numbers far below.
    fn from(code: RDKafkaErrorCode) -> Code {
        use RDKafkaErrorCode as Local;
        match code {
            Local::Authentication => Code::SaslAuthenticationFailed,
            Local::UnknownTopic => Code::UnknownTopicOrPartition,
            Local::UnknownPartition => Code::UnknownPartition,
            Local::BrokerTransportFailure
            | Local::AllBrokersDown
            | Local::BrokerDestroy
            | Local::Resolve => Code::Unreachable,
            Local::OperationTimedOut | Local::MessageTimedOut => Code::TimedOut,
            Local::WaitingForCoordinator => Code::CoordinatorNotAvailable,
            Local::QueueFull | Local::State => Code::Busy,
            code => match i16::try_from(code as i32) {
                Ok(number) if number >= -1 => Code::of(number),
                _ => Code::Librdkafka,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_kafka_has_its_number_and_its_name() {
        for number in (-2..=1000).filter(|number| *number != 0) {
            let theirs = ResponseError::try_from_code(number);
            let ours = Code::of(number);
            match theirs {
                Some(ResponseError::Unknown(_)) | None => assert_eq!(ours, Code::Unlisted),
                Some(error) => {
                    assert_eq!((ours.number(), ours.name()), (Some(number), &*error.to_string()));
                }
            }
        }
    }

    #[test]
    fn codes_of_our_own_have_no_number() {
        let own = Code::ALL.iter().filter(|code| code.number().is_none()).count();
        assert_eq!(own, 11);
        assert_eq!(Code::of(0), Code::Unlisted);
    }

    #[test]
    fn librdkafka_and_the_protocol_say_the_same_of_one_condition() {
        use RDKafkaErrorCode as Local;
        for (local, code) in [
            (Local::TopicAuthorizationFailed, Code::TopicAuthorizationFailed),
            (Local::UnknownTopic, Code::UnknownTopicOrPartition),
            (Local::UnknownTopicOrPartition, Code::UnknownTopicOrPartition),
            (Local::BrokerNotAvailable, Code::BrokerNotAvailable),
            (Local::RequestTimedOut, Code::RequestTimedOut),
            (Local::Authentication, Code::SaslAuthenticationFailed),
            (Local::AllBrokersDown, Code::Unreachable),
            (Local::OperationTimedOut, Code::TimedOut),
            (Local::Unknown, Code::UnknownServerError),
            (Local::Fatal, Code::Librdkafka),
        ] {
            assert_eq!(Code::from(local), code, "{local:?}");
        }
    }

    #[test]
    fn what_may_pass_is_retriable_too_but_for_a_broker_that_is_not_available() {
        for code in Code::ALL.iter().filter(|code| code.may_pass()) {
            assert!(code.is_retriable() || *code == Code::BrokerNotAvailable, "{code}");
        }
    }
}
