//! `../acls`. Source: Confluent AclsResource, AclsBatchAction.

use std::str::FromStr;

use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_kafka::admin::{Acl as Found, AclFilter, Operation, Pattern, Permission, ResourceType};

use super::json_body::{JsonBody, Required};
use super::site::{Here, List, Resource, Site, keys};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::encoded;
use crate::http::request::Query;
use crate::http::rights::{Admin, Cluster};

#[derive(Serialize)]
pub(crate) struct Acl {
    resource_type: ResourceType,
    resource_name: String,
    pattern_type: Pattern,
    principal: String,
    host: String,
    operation: Operation,
    permission: Permission,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAcl {
    resource_type: ResourceType,
    #[serde(default)]
    resource_name: Option<String>,
    pattern_type: Pattern,
    principal: String,
    host: String,
    operation: Operation,
    permission: Permission,
}

impl Required for CreateAcl {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAcls {
    data: Vec<Object<CreateAcl>>,
}

impl Required for CreateAcls {}

/// The name of the one cluster as a resource.
const CLUSTER_NAME: &str = "kafka-cluster";

/// `GET ../acls`: those that match `resource_type`, `resource_name`, `pattern_type`, `principal`,
/// `host`, `operation` and `permission`; what is not said matches all.
///
/// 404 no such word · 40002 the brokers have no authorizer · 404.
pub(crate) async fn list(
    _: Cluster<Admin>,
    here: Here,
    Query(asked): Query<Matching>,
) -> Answer<Json<List<Resource<Acl>>>> {
    let site = here.site().await?;
    let filter = AclFilter {
        resource_type: word(&asked.resource_type, "ResourceType")?.unwrap_or(ResourceType::Any),
        pattern_type: word(&asked.pattern_type, "PatternType")?.unwrap_or(Pattern::Any),
        operation: word(&asked.operation, "Operation")?.unwrap_or(Operation::Any),
        permission: word(&asked.permission, "Permission")?.unwrap_or(Permission::Any),
        ..asked.names()
    };
    let found = site.kafka().acls(&filter).await.map_err(ProxyError::from)?;
    let query = query(&filter);
    let url = format!("{}?{query}", site.url(&["acls"]));
    let mut items: Vec<_> =
        found.into_iter().map(|acl| (order(&acl), describe(&site, acl))).collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Json(site.list_at("KafkaAclList", url, items)))
}

/// `POST ../acls`: create one; it may be there already.
///
/// 201, with its place in `Location`. 40002.
pub(crate) async fn create(
    _: Cluster<Admin>,
    here: Here,
    JsonBody(request): JsonBody<CreateAcl>,
) -> Answer<(StatusCode, [(HeaderName, String); 1])> {
    let site = here.site().await?;
    let acl = request.acl()?;
    site.kafka().create_acls(std::slice::from_ref(&acl)).await.map_err(ProxyError::from)?;
    Ok((StatusCode::CREATED, [(LOCATION, address(&site, &acl))]))
}

/// `POST ../acls:batch`: create several.
///
/// 204. 40002.
pub(crate) async fn create_all(
    _: Cluster<Admin>,
    here: Here,
    JsonBody(request): JsonBody<CreateAcls>,
) -> Answer<Nothing> {
    let site = here.site().await?;
    let acls = request.data.into_iter().map(|Object(acl)| acl.acl());
    let acls = acls.collect::<Result<Vec<_>, _>>()?;
    site.kafka().create_acls(&acls).await.map_err(ProxyError::from)?;
    Ok(Nothing)
}

/// `DELETE ../acls`: delete those that match, of which `resource_type`, `pattern_type`, `operation`
/// and `permission` have to be said.
///
/// Answers them: `{"data": [..]}`. 400 one is missing · 404 no such word · 40002.
pub(crate) async fn delete(
    _: Cluster<Admin>,
    here: Here,
    Query(asked): Query<Matching>,
) -> Answer<Json<Value>> {
    let site = here.site().await?;
    let filter = AclFilter {
        resource_type: required(word(&asked.resource_type, "ResourceType")?, "resource_type")?,
        pattern_type: required(word(&asked.pattern_type, "PatternType")?, "pattern_type")?,
        operation: required(word(&asked.operation, "Operation")?, "operation")?,
        permission: required(word(&asked.permission, "Permission")?, "permission")?,
        ..asked.names()
    };
    let deleted = site.kafka().delete_acls(&filter).await.map_err(ProxyError::from)?;
    let deleted: Vec<_> = deleted.into_iter().map(|acl| describe(&site, acl)).collect();
    Ok(Json(json!({"data": deleted})))
}

impl CreateAcl {
    /// 400 a word that only filters have.
    fn acl(self) -> Result<Found, ProxyError> {
        use {Operation as O, Pattern as P, Permission as Q, ResourceType as R};
        let filters = matches!(self.resource_type, R::Unknown | R::Any)
            || matches!(self.pattern_type, P::Unknown | P::Any | P::Match)
            || matches!(self.operation, O::Unknown | O::Any)
            || matches!(self.permission, Q::Unknown | Q::Any);
        if filters {
            let reason = "UNKNOWN, ANY and MATCH are for filters".to_string();
            return Err(ProxyError::BadRequest { reason });
        }
        let name = self.resource_name.or_else(|| {
            (self.resource_type == ResourceType::Cluster).then(|| CLUSTER_NAME.to_string())
        });
        let missing = || ProxyError::BadRequest { reason: "resource_name is missing".into() };
        Ok(Found {
            resource_type: self.resource_type,
            resource_name: name.ok_or_else(missing)?,
            pattern_type: self.pattern_type,
            principal: self.principal,
            host: self.host,
            operation: self.operation,
            permission: self.permission,
        })
    }
}

/// What ACLs have to have. What is not said matches all.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Matching {
    resource_type: Option<String>,
    resource_name: Option<String>,
    pattern_type: Option<String>,
    principal: Option<String>,
    host: Option<String>,
    operation: Option<String>,
    permission: Option<String>,
}

impl Matching {
    /// A filter of the names that are given.
    fn names(&self) -> AclFilter {
        let name = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        AclFilter {
            resource_type: ResourceType::Any,
            resource_name: name(&self.resource_name),
            pattern_type: Pattern::Any,
            principal: name(&self.principal),
            host: name(&self.host),
            operation: Operation::Any,
            permission: Permission::Any,
        }
    }
}

/// One of Kafka's words; `kind` is what the reference calls its type. 404.
fn word<T: FromStr>(given: &Option<String>, kind: &str) -> Result<Option<T>, ProxyError> {
    let Some(given) = given else { return Ok(None) };
    let word = given.to_ascii_uppercase();
    // what brokers answer for words of later versions
    let parsed = if word == "UNKNOWN" { None } else { word.parse().ok() };
    let wrong = || {
        let reason = format!("The valid values for {kind} do not include '{given}'");
        ProxyError::Missing { reason }
    };
    parsed.map(Some).ok_or_else(wrong)
}

/// 400.
fn required<T>(given: Option<T>, name: &str) -> Result<T, ProxyError> {
    given.ok_or_else(|| ProxyError::BadRequest { reason: format!("{name} is missing") })
}

fn order(acl: &Found) -> String {
    let words = format!("{:?}{:?}{:?}", acl.pattern_type, acl.operation, acl.permission);
    let kind = format!("{:02}", acl.resource_type as u8);
    keys(&[&kind, &acl.resource_name, &acl.principal, &acl.host, &words])
}

fn describe(site: &Site, acl: Found) -> Resource<Acl> {
    let url = address(site, &acl);
    let fields = Acl {
        resource_type: acl.resource_type,
        resource_name: acl.resource_name,
        pattern_type: acl.pattern_type,
        principal: acl.principal,
        host: acl.host,
        operation: acl.operation,
        permission: acl.permission,
    };
    site.resource_at("KafkaAcl", url, &["acls"], fields)
}

/// The list that has only this one.
fn address(site: &Site, acl: &Found) -> String {
    let filter = AclFilter {
        resource_type: acl.resource_type,
        resource_name: Some(acl.resource_name.clone()),
        pattern_type: acl.pattern_type,
        principal: Some(acl.principal.clone()),
        host: Some(acl.host.clone()),
        operation: acl.operation,
        permission: acl.permission,
    };
    format!("{}?{}", site.url(&["acls"]), query(&filter))
}

fn query(filter: &AclFilter) -> String {
    let word = |word: Value| word.as_str().unwrap_or_default().to_string();
    let name = |name: &Option<String>| encoded(name.as_deref().unwrap_or_default());
    format!(
        "resource_type={}&resource_name={}&pattern_type={}&principal={}&host={}&operation={}&permission={}",
        word(json!(filter.resource_type)),
        name(&filter.resource_name),
        word(json!(filter.pattern_type)),
        name(&filter.principal),
        name(&filter.host),
        word(json!(filter.operation)),
        word(json!(filter.permission)),
    )
}
