//! The APIs of Kafka's protocol that the broker has, as one table: key, request, response, versions
//! and the handler in [`Core`]. What is not in the table is absent from the answer to ApiVersions.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, HeaderVersion};

use crate::core::{Call, Core, Handled};
use crate::faults::{Refusable, Subject};
use crate::guard;

/// A version range that the broker understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    pub key: ApiKey,
    pub min: i16,
    pub max: i16,
}

/// Why a request could not be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The broker does not have this API in this version.
    Unsupported { key: i16, version: i16 },
    /// The bytes are not a request of this API and version.
    Malformed { key: ApiKey, why: String },
}

macro_rules! apis {
    ($($name:ident($request:ident, $response:ident, $min:literal..=$max:literal) => $handler:ident,)*) => {
        /// A request of one of the APIs.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant)]
        pub enum Request {
            $($name($request),)*
        }

        /// An answer of one of the APIs.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant)]
        pub enum Response {
            $($name($response),)*
        }

        $(impl From<$response> for Response {
            fn from(response: $response) -> Response {
                Response::$name(response)
            }
        })*

        /// Everything that the broker has, by key.
        pub const SUPPORTED: &[Supported] = &[
            $(Supported { key: ApiKey::$name, min: $min, max: $max },)*
        ];

        impl Request {
            /// Reads the body of a request whose header has been read.
            pub fn decode(key: i16, version: i16, body: &mut Bytes) -> Result<Request, Unreadable> {
                match ApiKey::try_from(key) {
                    $(Ok(ApiKey::$name) if ($min..=$max).contains(&version) => {
                        let is_flexible = $request::header_version(version) >= 2;
                        guard::decode::<$request>(body, version, is_flexible)
                            .map(Request::$name)
                            .map_err(|why| Unreadable::Malformed { key: ApiKey::$name, why })
                    })*
                    _ => Err(Unreadable::Unsupported { key, version }),
                }
            }

            /// One request of each API, in which nothing is said.
            #[cfg(test)]
            pub(crate) fn of_each_api() -> Vec<Request> {
                vec![$(Request::$name($request::default()),)*]
            }

            pub fn key(&self) -> ApiKey {
                match self {
                    $(Request::$name(_) => ApiKey::$name,)*
                }
            }

            /// The answer that refuses this request as a whole.
            pub fn refusal(&self, version: i16, code: i16) -> Response {
                match self {
                    $(Request::$name(request) => request.refusal(version, code).into(),)*
                }
            }

            /// The answer that ends the session on which the request stands; none if it stands for itself.
            pub fn session_lost(&self) -> Option<Response> {
                match self {
                    $(Request::$name(request) => request.session_lost().map(Response::from),)*
                }
            }

            /// The topics, groups and transactional ids that the request is about.
            pub fn subject(&self) -> Subject {
                match self {
                    $(Request::$name(request) => request.subject(),)*
                }
            }
        }

        impl Response {
            /// The version of the header that goes before this answer.
            pub fn header_version(&self, version: i16) -> i16 {
                match self {
                    $(Response::$name(_) => $response::header_version(version),)*
                }
            }

            /// Appends the body. An error is a fault of the broker: a field that this version lacks.
            pub fn encode(&self, version: i16, into: &mut BytesMut) -> Result<(), String> {
                match self {
                    $(Response::$name(response) => {
                        response.encode(into, version).map_err(|error| error.to_string())
                    })*
                }
            }
        }

        impl Core {
            pub(crate) fn dispatch(&mut self, call: &Call, request: Request) -> Handled<Response> {
                match request {
                    $(Request::$name(request) => self.$handler(call, request).map(Response::$name),)*
                }
            }
        }
    };
}

apis! {
    Produce(ProduceRequest, ProduceResponse, 3..=13) => produce,
    Fetch(FetchRequest, FetchResponse, 4..=18) => fetch,
    ListOffsets(ListOffsetsRequest, ListOffsetsResponse, 1..=10) => list_offsets,
    Metadata(MetadataRequest, MetadataResponse, 0..=13) => metadata,
    OffsetCommit(OffsetCommitRequest, OffsetCommitResponse, 2..=9) => offset_commit,
    OffsetFetch(OffsetFetchRequest, OffsetFetchResponse, 1..=9) => offset_fetch,
    FindCoordinator(FindCoordinatorRequest, FindCoordinatorResponse, 0..=6) => find_coordinator,
    JoinGroup(JoinGroupRequest, JoinGroupResponse, 0..=9) => join_group,
    Heartbeat(HeartbeatRequest, HeartbeatResponse, 0..=4) => heartbeat,
    LeaveGroup(LeaveGroupRequest, LeaveGroupResponse, 0..=5) => leave_group,
    SyncGroup(SyncGroupRequest, SyncGroupResponse, 0..=5) => sync_group,
    DescribeGroups(DescribeGroupsRequest, DescribeGroupsResponse, 0..=6) => describe_groups,
    ListGroups(ListGroupsRequest, ListGroupsResponse, 0..=5) => list_groups,
    ApiVersions(ApiVersionsRequest, ApiVersionsResponse, 0..=4) => api_versions,
    DeleteGroups(DeleteGroupsRequest, DeleteGroupsResponse, 0..=2) => delete_groups,
    DeleteRecords(DeleteRecordsRequest, DeleteRecordsResponse, 0..=2) => delete_records,
    InitProducerId(InitProducerIdRequest, InitProducerIdResponse, 0..=5) => init_producer_id,
    OffsetForLeaderEpoch(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, 2..=4) => offset_for_leader_epoch,
    AddPartitionsToTxn(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, 0..=5) => add_partitions_to_txn,
    AddOffsetsToTxn(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, 0..=4) => add_offsets_to_txn,
    EndTxn(EndTxnRequest, EndTxnResponse, 0..=5) => end_txn,
    WriteTxnMarkers(WriteTxnMarkersRequest, WriteTxnMarkersResponse, 1..=1) => write_txn_markers,
    TxnOffsetCommit(TxnOffsetCommitRequest, TxnOffsetCommitResponse, 0..=5) => txn_offset_commit,
    DescribeProducers(DescribeProducersRequest, DescribeProducersResponse, 0..=0) => describe_producers,
    DescribeTransactions(DescribeTransactionsRequest, DescribeTransactionsResponse, 0..=0) => describe_transactions,
    ListTransactions(ListTransactionsRequest, ListTransactionsResponse, 0..=2) => list_transactions,
    OffsetDelete(OffsetDeleteRequest, OffsetDeleteResponse, 0..=0) => offset_delete,
    SaslHandshake(SaslHandshakeRequest, SaslHandshakeResponse, 0..=1) => sasl_handshake,
    CreateTopics(CreateTopicsRequest, CreateTopicsResponse, 2..=7) => create_topics,
    DeleteTopics(DeleteTopicsRequest, DeleteTopicsResponse, 1..=6) => delete_topics,
    DescribeAcls(DescribeAclsRequest, DescribeAclsResponse, 1..=3) => describe_acls,
    CreateAcls(CreateAclsRequest, CreateAclsResponse, 1..=3) => create_acls,
    DeleteAcls(DeleteAclsRequest, DeleteAclsResponse, 1..=3) => delete_acls,
    DescribeConfigs(DescribeConfigsRequest, DescribeConfigsResponse, 1..=4) => describe_configs,
    AlterConfigs(AlterConfigsRequest, AlterConfigsResponse, 0..=2) => alter_configs,
    DescribeLogDirs(DescribeLogDirsRequest, DescribeLogDirsResponse, 1..=4) => describe_log_dirs,
    SaslAuthenticate(SaslAuthenticateRequest, SaslAuthenticateResponse, 0..=2) => sasl_authenticate,
    CreatePartitions(CreatePartitionsRequest, CreatePartitionsResponse, 0..=3) => create_partitions,
    ElectLeaders(ElectLeadersRequest, ElectLeadersResponse, 0..=2) => elect_leaders,
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, 0..=1) => incremental_alter_configs,
    AlterPartitionReassignments(AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, 0..=1) => alter_partition_reassignments,
    ListPartitionReassignments(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, 0..=0) => list_partition_reassignments,
    DescribeClientQuotas(DescribeClientQuotasRequest, DescribeClientQuotasResponse, 0..=1) => describe_client_quotas,
    AlterClientQuotas(AlterClientQuotasRequest, AlterClientQuotasResponse, 0..=1) => alter_client_quotas,
    DescribeUserScramCredentials(DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse, 0..=0) => describe_user_scram_credentials,
    AlterUserScramCredentials(AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, 0..=0) => alter_user_scram_credentials,
    DescribeQuorum(DescribeQuorumRequest, DescribeQuorumResponse, 0..=2) => describe_quorum,
    DescribeCluster(DescribeClusterRequest, DescribeClusterResponse, 0..=2) => describe_cluster,
    ListConfigResources(ListConfigResourcesRequest, ListConfigResourcesResponse, 0..=1) => list_config_resources,
    DescribeTopicPartitions(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, 0..=0) => describe_topic_partitions,
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, 0..=1) => consumer_group_heartbeat,
    ConsumerGroupDescribe(ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, 0..=1) => consumer_group_describe,
}
