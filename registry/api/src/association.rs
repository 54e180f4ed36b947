//! Associations: which subjects belong to a topic. Newer Java serializers ask for them before they
//! name a subject. Source: Confluent's `Association` and the requests around it.

mod check;

use serde::{Deserialize, Serialize};

use crate::error::ErrorBody;
use crate::json::{is_empty, null_is_default};
use crate::name::Subject;
pub use crate::wire::{Association, Lifecycle};
use crate::wire::{RegisterRequest, Schema};
pub use check::{AssociationRun, InvalidAssociation};

/// The one type of resources.
pub const TOPIC: &str = "topic";

/// Body of `POST /associations` and `PUT /associations/resources/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssociationRequest {
    pub resource_name: Option<String>,
    pub resource_namespace: Option<String>,
    pub resource_id: Option<String>,
    pub resource_type: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub associations: Vec<AssociationUpdate>,
}

/// What one association is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssociationUpdate {
    pub subject: Option<String>,
    /// `key` or `value`, which is the default.
    pub association_type: Option<String>,
    pub lifecycle: Option<Lifecycle>,
    pub frozen: Option<bool>,
    pub schema: Option<RegisterRequest>,
    pub normalize: Option<bool>,
}

/// Answer to a change of a resource's associations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationResponse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    pub resource_type: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub associations: Vec<AssociationInfo>,
}

/// An association with the schema that its subject has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationInfo {
    pub subject: Subject,
    pub association_type: String,
    pub lifecycle: Lifecycle,
    pub frozen: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

impl AssociationInfo {
    pub fn of(association: &Association, schema: Option<Schema>) -> AssociationInfo {
        AssociationInfo {
            subject: association.subject.clone(),
            association_type: association.association_type.clone(),
            lifecycle: association.lifecycle,
            frozen: association.frozen,
            schema,
        }
    }
}

/// Body of `POST /associations:batchGet` and `POST /associations:batchMutate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssociationBatch<T> {
    #[serde(
        default,
        deserialize_with = "null_is_default",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    pub requests: Vec<T>,
}

/// A question of a batch, by a resource's id or else by its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssociationQuery {
    pub resource_name: Option<String>,
    pub resource_namespace: Option<String>,
    pub resource_id: Option<String>,
    pub resource_type: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub association_types: Vec<String>,
    pub lifecycle: Option<Lifecycle>,
}

/// Changes of a resource in a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssociationOps {
    pub resource_name: Option<String>,
    pub resource_namespace: Option<String>,
    pub resource_id: Option<String>,
    pub resource_type: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub associations: Vec<AssociationOp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "opType", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssociationOp {
    Create(AssociationUpdate),
    Upsert(AssociationUpdate),
    Delete(AssociationRemoval),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssociationRemoval {
    /// `key` or `value`, which is the default.
    pub association_type: Option<String>,
    /// Whether a subject that is the resource's goes with it.
    pub cascade_lifecycle: Option<bool>,
}

/// Answer to a batch: one result for each request, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssociationResults {
    pub results: Vec<AssociationResult>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssociationResult {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AssociationResponse>,
}
