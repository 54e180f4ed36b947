//! A registry of another make on the same topic: one that elects its leader in a group of Kafka's.

use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{GroupId, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest};
use kafka_protocol::protocol::StrBytes;
use serde_json::json;
use weir_faults::{Node, Site};
use weir_kafka::{Client, Coordinated, Settings};
use weir_tests::{TestBroker, kafka, unique};

use super::nodes::*;

/// What Confluent's registry tells the members of its group.
const METADATA: &str = r#"{"host":"old-registry","port":8081,"master_eligibility":true,"scheme":"http","version":1,"leader":false}"#;

/// A member without heartbeats stays so long.
const SESSION_TIMEOUT_MS: i32 = 300_000;

/// A registry of another make, as far as its group shows it.
struct Member {
    client: Client,
    coordinator: String,
    group: StrBytes,
    id: StrBytes,
}

impl Member {
    async fn join(kafka: &TestBroker, group: &str, protocol_type: &str) -> Member {
        let bootstrap_servers = kafka.bootstrap_servers.clone();
        let settings = Settings { bootstrap_servers, ..Settings::default() };
        let client = Client::new(&settings, Duration::from_secs(60));
        let coordinator = loop {
            match client.coordinator(Coordinated::Group, group).await {
                Ok(node) => break node.address(),
                // the first of all groups of a new Kafka waits for their topic
                Err(error) => assert!(error.is_retriable(), "{error}"),
            }
        };
        let group = StrBytes::from_string(group.to_string());
        let kind = StrBytes::from_string(protocol_type.to_string());
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str("v0"))
            .with_metadata(METADATA.into());
        let mut request = JoinGroupRequest::default()
            .with_group_id(GroupId(group.clone()))
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(SESSION_TIMEOUT_MS)
            .with_protocol_type(kind.clone())
            .with_protocols(vec![protocol]);
        let joined = loop {
            let answer = client.ask(&coordinator, |_| request.clone()).await.unwrap();
            match ResponseError::try_from_code(answer.error_code) {
                None => break answer,
                Some(ResponseError::MemberIdRequired) => {
                    request = request.with_member_id(answer.member_id);
                }
                Some(error) => assert!(error.is_retriable(), "{error}"),
            }
        };
        let id = joined.member_id.clone();
        let assignment = SyncGroupRequestAssignment::default()
            .with_member_id(id.clone())
            .with_assignment(r#"{"error":0,"version":1}"#.into());
        let sync = SyncGroupRequest::default()
            .with_group_id(GroupId(group.clone()))
            .with_generation_id(joined.generation_id)
            .with_member_id(id.clone())
            .with_protocol_type(Some(kind))
            .with_protocol_name(joined.protocol_name)
            .with_assignments(vec![assignment]);
        let synced = client.ask(&coordinator, |_| sync.clone()).await.unwrap();
        assert_eq!(ResponseError::try_from_code(synced.error_code), None);
        Member { client, coordinator, group, id }
    }

    async fn leave(self) {
        let member = MemberIdentity::default().with_member_id(self.id);
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(self.group))
            .with_members(vec![member]);
        let left = self.client.ask(&self.coordinator, |_| request.clone()).await.unwrap();
        assert_eq!(ResponseError::try_from_code(left.error_code), None);
    }
}

/// Waits until a node has seen the other registry: it is not ready, takes no writes and says what to do.
async fn until_refused(site: &Site, node: &Node) {
    let seen = |status: &weir_faults::Status| {
        let fault = status.faults.join(" ");
        fault.contains("http://old-registry:8081 (client id ") && fault.contains("--registry-group")
    };
    let status = site.until(node, "beside another registry", seen).await;
    assert!(!status.ready && !status.writable && status.role == "follower", "{status:?}");
    let refused = register(node, "refused", "Refused").await;
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (500, &json!(50001)));
    let message = refused.json["message"].as_str().unwrap();
    assert!(
        message.contains("http://old-registry:8081") && message.contains("Stop it"),
        "{message}"
    );
    assert_eq!(api(node).get("/subjects/refused/versions").await.status, 404, "reads go on");
}

#[tokio::test]
async fn nobody_leads_beside_another_registry() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    let before = Member::join(&kafka, &topic, "sr").await;
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    until_refused(&site, node).await;
    before.leave().await;
    site.until_ready(node).await;
    assert_eq!(id(&register(node, "taken", "Taken").await), 1);
    // and one that joins while this one leads
    let later = Member::join(&kafka, &topic, "sr").await;
    until_refused(&site, node).await;
    assert_eq!(api(node).get("/subjects").await.json, json!(["taken"]));
    later.leave().await;
    site.until_ready(node).await;
    assert_eq!(id(&register_again(node, "again", "Again").await), 2);
}

#[tokio::test]
async fn a_node_that_is_told_to_leads_beside_another_registry() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    let member = Member::join(&kafka, &topic, "sr").await;
    let site = nodes(&kafka, &topic, 1, &["--beside-other-registries"]).await;
    site.nodes[0].start();
    site.until_ready(&site.nodes[0]).await;
    assert_eq!(id(&register(&site.nodes[0], "s", "S").await), 1);
    member.leave().await;
}

#[tokio::test]
async fn a_group_of_another_kind_with_the_same_name_is_no_registry() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    let member = Member::join(&kafka, &topic, "connect").await;
    let site = nodes(&kafka, &topic, 1, &[]).await;
    site.nodes[0].start();
    site.until_ready(&site.nodes[0]).await;
    member.leave().await;
}
