//! Rules of access, and whom they let through.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, MetadataRequest, TopicName,
};

use super::model::{Acl, Pattern, Permission, ResourceType};
use super::{Authorization, Operation, Resource};
use crate::apis::Request;
use crate::core::CoreSettings;
use crate::core::harness::{Harness, response_of};
use crate::core::refusal::text;

const ANY: i8 = 1;
const MATCH: i8 = 2;

fn enforced(allow_everyone_if_no_acl_found: bool) -> Harness {
    let super_users = vec!["User:admin".to_owned()];
    let authorization = Authorization { super_users, allow_everyone_if_no_acl_found };
    Harness::new(CoreSettings { authorization: Some(authorization), ..CoreSettings::default() })
}

fn rule(name: &str, pattern: Pattern, operation: Operation, permission: Permission) -> Acl {
    Acl {
        resource_type: ResourceType::Topic,
        name: name.to_owned(),
        pattern,
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation,
        permission,
    }
}

fn create(broker: &mut Harness, acl: &Acl) -> i16 {
    let creation = AclCreation::default()
        .with_resource_type(acl.resource_type as i8)
        .with_resource_name(text(&acl.name))
        .with_resource_pattern_type(acl.pattern as i8)
        .with_principal(text(&acl.principal))
        .with_host(text(&acl.host))
        .with_operation(acl.operation as i8)
        .with_permission_type(acl.permission as i8);
    let request = CreateAclsRequest::default().with_creations(vec![creation]);
    let response = broker.ask_as("User:admin", 3, Request::CreateAcls(request));
    response_of!(CreateAcls, response).results[0].error_code
}

fn may(broker: &mut Harness, operation: Operation, topic: &str) -> bool {
    let call = broker.call(1, "User:alice", 0);
    broker.core.may(&call, operation, Resource::Topic(topic))
}

#[test]
fn a_rule_that_allows_implies_what_it_needs() {
    let mut broker = enforced(false);
    assert!(!may(&mut broker, Operation::Read, "orders"));
    let allow = rule("ord", Pattern::Prefixed, Operation::Read, Permission::Allow);
    assert_eq!(create(&mut broker, &allow), 0);
    assert!(may(&mut broker, Operation::Read, "orders"));
    assert!(may(&mut broker, Operation::Describe, "orders"));
    assert!(!may(&mut broker, Operation::Write, "orders"));
    assert!(!may(&mut broker, Operation::Read, "other"));
    assert!(may_any(&mut broker, Operation::Read));
    assert!(!may_any(&mut broker, Operation::Write));
}

fn may_any(broker: &mut Harness, operation: Operation) -> bool {
    let call = broker.call(1, "User:alice", 0);
    broker.core.may_any_topic(&call, operation)
}

#[test]
fn a_rule_that_denies_goes_before_one_that_allows() {
    let mut broker = enforced(true);
    let everything = rule("*", Pattern::Literal, Operation::All, Permission::Allow);
    create(&mut broker, &everything);
    create(&mut broker, &rule("secret", Pattern::Literal, Operation::Read, Permission::Deny));
    assert!(may(&mut broker, Operation::Read, "orders"));
    assert!(!may(&mut broker, Operation::Read, "secret"));
    assert!(may(&mut broker, Operation::Write, "secret"));
    let elsewhere = Acl {
        host: "10.0.0.1".into(),
        ..rule("*", Pattern::Literal, Operation::All, Permission::Deny)
    };
    create(&mut broker, &elsewhere);
    assert!(may(&mut broker, Operation::Read, "orders"));
}

#[test]
fn what_no_rule_names_is_open_only_if_that_is_set() {
    let mut broker = enforced(true);
    assert!(may(&mut broker, Operation::Write, "orders"));
    let other = Acl {
        principal: "User:bob".into(),
        ..rule("orders", Pattern::Literal, Operation::Write, Permission::Allow)
    };
    create(&mut broker, &other);
    assert!(!may(&mut broker, Operation::Write, "orders"));
    assert!(may(&mut broker, Operation::Write, "others"));
}

#[test]
fn everybody_is_a_principal() {
    let mut broker = enforced(false);
    let everybody = Acl {
        principal: "User:*".into(),
        ..rule("orders", Pattern::Literal, Operation::Read, Permission::Allow)
    };
    create(&mut broker, &everybody);
    assert!(may(&mut broker, Operation::Read, "orders"));
}

#[test]
fn rules_are_found_by_filters_and_stay_deleted_after_a_restart() {
    let mut broker = enforced(false);
    for (name, pattern) in [
        ("orders", Pattern::Literal),
        ("ord", Pattern::Prefixed),
        ("*", Pattern::Literal),
        ("x", Pattern::Literal),
    ] {
        create(&mut broker, &rule(name, pattern, Operation::Read, Permission::Allow));
    }
    let mut broker = broker.restart();
    let mut found = |name: Option<&str>, pattern: i8| {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(ANY)
            .with_resource_name_filter(name.map(text))
            .with_pattern_type_filter(pattern)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(ANY)
            .with_permission_type(ANY);
        let response = broker.ask_as("User:admin", 3, Request::DescribeAcls(request));
        let names = response_of!(DescribeAcls, response).resources.into_iter();
        names.map(|resource| resource.resource_name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(None, ANY).len(), 4);
    assert_eq!(found(Some("orders"), ANY), ["orders"]);
    assert_eq!(found(Some("orders"), MATCH), ["*", "ord", "orders"]);
    assert_eq!(found(Some("orders"), Pattern::Prefixed as i8), [""; 0]);
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(ResourceType::Topic as i8)
        .with_resource_name_filter(Some(text("orders")))
        .with_pattern_type_filter(MATCH)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let request = DeleteAclsRequest::default().with_filters(vec![filter]);
    let response = broker.ask_as("User:admin", 3, Request::DeleteAcls(request));
    assert_eq!(response_of!(DeleteAcls, response).filter_results[0].matching_acls.len(), 3);
    assert_eq!(broker.restart().core.acls.rules.len(), 1);
}

#[test]
fn who_may_not_describe_a_topic_does_not_see_it() {
    let mut broker = enforced(false);
    let now = broker.now();
    for name in ["open", "closed"] {
        broker.core.create_topic(name, 1, Default::default(), now).unwrap();
    }
    create(&mut broker, &rule("open", Pattern::Literal, Operation::Describe, Permission::Allow));
    let all = MetadataRequest::default().with_topics(None);
    let response = broker.ask_as("User:alice", 12, Request::Metadata(all));
    let names: Vec<_> = response_of!(Metadata, response)
        .topics
        .into_iter()
        .map(|topic| topic.name.unwrap())
        .collect();
    assert_eq!(names, [TopicName(text("open"))]);
    let wanted = MetadataRequestTopic::default().with_name(Some(TopicName(text("closed"))));
    let named = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let response =
        response_of!(Metadata, broker.ask_as("User:alice", 12, Request::Metadata(named)));
    assert_eq!(response.topics[0].error_code, ResponseError::TopicAuthorizationFailed.code());
    assert!(response.topics[0].partitions.is_empty());
}
