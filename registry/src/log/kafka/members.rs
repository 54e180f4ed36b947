//! Registries of another make, as members of their group: Confluent's registry and Karapace elect there.

use std::fmt;

use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use kafka_protocol::messages::{DescribeGroupsRequest, GroupId};
use kafka_protocol::protocol::StrBytes;
use serde::Deserialize;
use weir_kafka::{Client, Code, Coordinated, Fault, check};

/// The protocol type of the group in which registries elect.
const PROTOCOL_TYPE: &str = "sr";

/// A registry of another make, as Kafka knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Where it says that it is; a group that is being joined does not tell.
    url: Option<String>,
    client_id: String,
    host: String,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(url) = &self.url {
            write!(f, "{url} ")?;
        }
        let host = self.host.trim_start_matches('/');
        write!(f, "(client id {}, from {host})", self.client_id)
    }
}

/// The part that is read here of what a member tells the others of its group.
#[derive(Deserialize)]
struct Told {
    host: String,
    port: serde_json::Value,
    #[serde(default)]
    scheme: Option<String>,
}

impl Member {
    fn new(member: &DescribedGroupMember) -> Member {
        let told: Option<Told> = serde_json::from_slice(&member.member_metadata).ok();
        let url = told.map(|told| {
            let scheme = told.scheme.as_deref().unwrap_or("http");
            let port = told.port.as_str().map_or_else(|| told.port.to_string(), str::to_string);
            format!("{scheme}://{}:{port}", told.host)
        });
        Member {
            url,
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
        }
    }
}

/// The registries of another make that are in a group.
pub(crate) async fn members(client: &Client, group: &str) -> Result<Vec<Member>, Fault> {
    let coordinator = client.coordinator(Coordinated::Group, group).await?;
    members_at(client, &coordinator.address(), group).await
}

/// The registries of another make that are in a group, as its coordinator at an address knows them.
pub(crate) async fn members_at(
    client: &Client,
    address: &str,
    group: &str,
) -> Result<Vec<Member>, Fault> {
    let id = GroupId(StrBytes::from_string(group.to_string()));
    let request = DescribeGroupsRequest::default().with_groups(vec![id]);
    let answer = client.ask(address, |_| request.clone()).await?;
    let Some(found) = answer.groups.into_iter().next() else { return Ok(Vec::new()) };
    match check(found.error_code, None) {
        Err(error) if error.code == Code::GroupIdNotFound => return Ok(Vec::new()),
        checked => checked?,
    }
    let is_theirs = &*found.protocol_type == PROTOCOL_TYPE;
    Ok(found.members.iter().filter(|_| is_theirs).map(Member::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(metadata: &'static str) -> String {
        let member = DescribedGroupMember::default()
            .with_client_id(StrBytes::from_static_str("sr-1"))
            .with_client_host(StrBytes::from_static_str("/10.0.0.5"))
            .with_member_metadata(metadata.into());
        Member::new(&member).to_string()
    }

    #[test]
    fn a_member_is_named_by_what_it_tells() {
        let confluent = r#"{"host":"sr","port":8081,"master_eligibility":true,"scheme":"https","version":1,"leader":false}"#;
        assert_eq!(member(confluent), "https://sr:8081 (client id sr-1, from 10.0.0.5)");
        let old = r#"{"host":"sr","port":"8081"}"#;
        assert_eq!(member(old), "http://sr:8081 (client id sr-1, from 10.0.0.5)");
        for unreadable in ["", "null", "garbage"] {
            assert_eq!(member(unreadable), "(client id sr-1, from 10.0.0.5)");
        }
    }
}
