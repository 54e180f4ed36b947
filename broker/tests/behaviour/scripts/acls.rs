//! ACLs and the credentials of users: they are made, shown and deleted.

use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest,
    DescribeAclsResponse, DescribeUserScramCredentialsRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::script::Script;

const TOPIC: i8 = 2;
const CLUSTER: i8 = 4;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const MATCH: i8 = 2;
const ANY: i8 = 1;
const READ: i8 = 3;
const ALLOW: i8 = 3;

pub async fn script(s: &mut Script) {
    create(s).await;
    describe(s).await;
    delete(s).await;
    users(s).await;
}

fn acl(name: &StrBytes) -> AclCreation {
    AclCreation::default()
        .with_resource_type(TOPIC)
        .with_resource_name(name.clone())
        .with_resource_pattern_type(LITERAL)
        .with_principal("User:nobody".into())
        .with_host("*".into())
        .with_operation(READ)
        .with_permission_type(ALLOW)
}

fn creating(acl: AclCreation) -> CreateAclsRequest {
    CreateAclsRequest::default().with_creations(vec![acl])
}

async fn create(s: &mut Script) {
    let (kept, prefix) = (s.name("kept"), s.name("pre"));
    s.each("create", |_| creating(acl(&kept))).await;
    s.each("create a prefix", |_| creating(acl(&prefix).with_resource_pattern_type(PREFIXED)))
        .await;
    let cases = [
        ("no name", acl(&"".into())),
        ("any type", acl(&kept).with_resource_type(ANY)),
        ("type 0", acl(&kept).with_resource_type(0)),
        ("type 99", acl(&kept).with_resource_type(99)),
        ("pattern match", acl(&kept).with_resource_pattern_type(MATCH)),
        ("pattern any", acl(&kept).with_resource_pattern_type(ANY)),
        ("operation any", acl(&kept).with_operation(ANY)),
        ("operation 0", acl(&kept).with_operation(0)),
        ("operation 99", acl(&kept).with_operation(99)),
        ("permission any", acl(&kept).with_permission_type(ANY)),
        ("permission 0", acl(&kept).with_permission_type(0)),
        ("principal without type", acl(&kept).with_principal("nobody".into())),
        ("no principal", acl(&kept).with_principal("".into())),
        ("no host", acl(&kept).with_host("".into())),
        ("host by name", acl(&kept).with_host("example.com".into())),
        ("cluster by another name", acl(&kept).with_resource_type(CLUSTER)),
        ("operation of another type", acl(&kept).with_operation(12)),
    ];
    for (label, acl) in cases {
        s.each(&format!("create: {label}"), |_| creating(acl.clone())).await;
    }
    s.each("create nothing", |_| CreateAclsRequest::default()).await;
}

fn filter(kind: i8, name: Option<&StrBytes>, pattern: i8) -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(kind)
        .with_resource_name_filter(name.cloned())
        .with_pattern_type_filter(pattern)
        .with_principal_filter(Some("User:nobody".into()))
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

async fn describe(s: &mut Script) {
    let (kept, below, run) = (s.name("kept"), s.name("pre").to_string() + "fix", s.run.clone());
    let below = StrBytes::from_string(below);
    let own = |answer: &mut DescribeAclsResponse| {
        answer.resources.retain(|resource| resource.resource_name.contains(&run));
        answer.resources.sort_by(|a, b| a.resource_name.cmp(&b.resource_name));
        for resource in &mut answer.resources {
            resource.acls.sort_by(|a, b| (&a.host, a.operation).cmp(&(&b.host, b.operation)));
        }
    };
    let cases = [
        ("literal", filter(TOPIC, Some(&kept), LITERAL)),
        ("any pattern", filter(TOPIC, Some(&kept), ANY)),
        ("matching", filter(TOPIC, Some(&below), MATCH)),
        ("prefixed", filter(TOPIC, Some(&below), PREFIXED)),
        ("all topics", filter(TOPIC, None, ANY)),
        ("any type", filter(ANY, None, ANY)),
        ("type 0", filter(0, None, ANY)),
        ("type 99", filter(99, None, ANY)),
        ("pattern 0", filter(TOPIC, None, 0)),
        ("operation 0", filter(TOPIC, None, ANY).with_operation(0)),
        ("permission 0", filter(TOPIC, None, ANY).with_permission_type(0)),
    ];
    for (label, request) in cases {
        s.each_as(&format!("describe: {label}"), |_| request.clone(), &own).await;
    }
}

async fn delete(s: &mut Script) {
    let kept = s.name("kept");
    let asking = |name: &StrBytes| {
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(TOPIC)
            .with_resource_name_filter(Some(name.clone()))
            .with_pattern_type_filter(LITERAL)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(ANY)
            .with_permission_type(ANY);
        DeleteAclsRequest::default().with_filters(vec![filter])
    };
    let nowhere = s.name("nowhere");
    s.each("delete nothing there", |_| asking(&nowhere)).await;
    let mut odd = asking(&kept);
    odd.filters[0].operation = 0;
    s.each("delete: operation 0", |_| odd.clone()).await;
    for version in s.versions::<DeleteAclsRequest>() {
        let name = s.name(&format!("goes-v{version}"));
        s.quiet(creating(acl(&name))).await;
        let only = filter(TOPIC, Some(&name), LITERAL);
        s.until(only, |answer| !answer.resources.is_empty()).await;
        s.ask_as("delete", version, asking(&name), |answer| {
            for found in answer.filter_results.iter_mut().flat_map(|r| &mut r.matching_acls) {
                found.resource_name = "n".into();
            }
        })
        .await;
    }
}

async fn users(s: &mut Script) {
    let user = s.name("user");
    let upsert = |mechanism: i8, iterations: i32, name: &StrBytes| {
        let credential = ScramCredentialUpsertion::default()
            .with_name(name.clone())
            .with_mechanism(mechanism)
            .with_iterations(iterations)
            .with_salt(vec![1; 16].into())
            .with_salted_password(vec![2; 32].into());
        AlterUserScramCredentialsRequest::default().with_upsertions(vec![credential])
    };
    let remove = |mechanism: i8, name: &StrBytes| {
        let deletion =
            ScramCredentialDeletion::default().with_name(name.clone()).with_mechanism(mechanism);
        AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion])
    };
    let describe = |name: &StrBytes| {
        let user = UserName::default().with_name(name.clone());
        DescribeUserScramCredentialsRequest::default().with_users(Some(vec![user]))
    };
    s.ask("user: unknown", 0, describe(&user)).await;
    s.ask("user: upsert", 0, upsert(1, 8192, &user)).await;
    s.until(describe(&user), |answer| answer.results.iter().all(|result| result.error_code == 0))
        .await;
    s.ask("user: describe", 0, describe(&user)).await;
    s.ask("user: few iterations", 0, upsert(1, 4095, &user)).await;
    s.ask("user: many iterations", 0, upsert(1, 16385, &user)).await;
    s.ask("user: mechanism 0", 0, upsert(0, 8192, &user)).await;
    s.ask("user: mechanism 3", 0, upsert(3, 8192, &user)).await;
    s.ask("user: no name", 0, upsert(1, 8192, &"".into())).await;
    s.ask("user: delete another mechanism", 0, remove(2, &user)).await;
    let mut both = upsert(1, 8192, &user);
    both.deletions = remove(1, &user).deletions;
    s.ask("user: both at once", 0, both).await;
    let mut twice = describe(&user);
    if let Some(users) = &mut twice.users {
        users.extend(users.clone());
    }
    s.ask("user: describe twice", 0, twice).await;
    s.ask("user: delete", 0, remove(1, &user)).await;
    s.until(describe(&user), |answer| answer.results.iter().all(|result| result.error_code != 0))
        .await;
    s.ask("user: delete again", 0, remove(1, &user)).await;
}
