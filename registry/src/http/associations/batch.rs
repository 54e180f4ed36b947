//! `/associations:batchGet` and `/associations:batchMutate`: many requests in one, each with its
//! own result.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use weir_registry_api::association::{
    AssociationBatch, AssociationOps, AssociationQuery, AssociationResult, AssociationResults,
    AssociationRun, TOPIC,
};
use weir_registry_api::{
    Association, AssociationInfo, AssociationRequest, AssociationResponse, RegistryError, Schema,
};
use weir_registry_core::{AssociationDelete, Grants, State as RegistryState, over_budget};
use weir_schema::OverBudget;

use super::super::answer::{Answer, Json, Refused};
use super::super::query::{BatchGet, ChangingAssociations};
use super::super::request::{Body, From, Query};
use super::super::rights::{ByBody, Filtered};
use super::change::{Kind, Way, change, remove, response};
use super::wanted::Wanted;
use crate::Registry;

/// `POST /associations:batchGet`: the associations of resources, by their ids or names.
///
/// `includeSchemas` (the latest of each subject). Answers 207 with one result for each request: a
/// resource without associations that the caller may read is no error. 42212 no requests.
pub(in super::super) async fn batch_get(
    Filtered { registry, grants }: Filtered,
    Query(BatchGet { include_schemas }): Query<BatchGet>,
    Body(batch): Body<AssociationBatch<AssociationQuery>>,
) -> Answer<(StatusCode, Json<AssociationResults>)> {
    let state = registry.state();
    let requests = requests(batch)?.into_iter();
    let results = requests.map(|query| find(&state, query, include_schemas, &grants));
    Ok(answer(bounded(results, registry.lanes().limits.bytes)))
}

/// `POST /associations:batchMutate`: `CREATE`, `UPSERT` and `DELETE` associations of resources.
///
/// `context`, `dryRun`. Answers 207 with one result for each request, in their order: what the
/// resource has then, or why that request ended where it did. Changes of one kind that stand
/// together in a request are made together or not at all. What the caller may not do is 40301 in its own result. 42212 no requests.
pub(in super::super) async fn batch_change(
    ByBody { registry, caller }: ByBody,
    From(asker): From,
    Query(asked): Query<ChangingAssociations>,
    Body(batch): Body<AssociationBatch<AssociationOps>>,
) -> Answer<(StatusCode, Json<AssociationResults>)> {
    let way = Way::of(&asked, asker, caller)?;
    let mut results = Vec::new();
    let mut texts = Texts { left: registry.lanes().limits.bytes };
    for ops in requests(batch)? {
        let mut done = change_one(&registry, ops, &way).await;
        if let Ok(response) = &mut done
            && !texts.take(response)
        {
            // it is done: what is left out of the answer can be asked for
            response.associations.iter_mut().for_each(|info| info.schema = None);
        }
        if let Err(weir_http::Refused(RegistryError::NoLeader)) = &done
            && results.iter().all(|result: &AssociationResult| result.result.is_none())
        {
            return Err(Refused::from(RegistryError::NoLeader)); // all of it is done there
        }
        results.push(result(done));
    }
    Ok(answer(results))
}

fn requests<T>(batch: AssociationBatch<T>) -> Answer<Vec<T>> {
    match batch.requests.is_empty() {
        true => Err(invalid("requests", "cannot be null or empty")),
        false => Ok(batch.requests),
    }
}

/// Bytes of schemas that an answer may still have: a small request can name a large one many times.
struct Texts {
    left: u64,
}

impl Texts {
    /// Returns false if there is not enough left for the schemas of a result.
    fn take(&mut self, response: &AssociationResponse) -> bool {
        let schemas = response.associations.iter().filter_map(|info| info.schema.as_ref());
        let bytes: usize = schemas.map(|schema| schema.schema.json().len()).sum();
        let left = self.left.checked_sub(bytes as u64);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// Results, as long as their schemas have no more than so many bytes in all.
fn bounded(
    results: impl Iterator<Item = Answer<AssociationResponse>>,
    bytes_max: u64,
) -> Vec<AssociationResult> {
    let mut texts = Texts { left: bytes_max };
    let within = |result: Answer<AssociationResponse>| {
        let response = result?;
        match texts.take(&response) {
            true => Ok(response),
            false => Err(Refused::from(over_budget(OverBudget::Bytes(bytes_max)))),
        }
    };
    results.map(within).map(result).collect()
}

fn result(result: Answer<AssociationResponse>) -> AssociationResult {
    match result {
        Ok(result) => AssociationResult { error: None, result: Some(result) },
        Err(weir_http::Refused(error)) => {
            AssociationResult { error: Some(error.body()), result: None }
        }
    }
}

fn answer(results: Vec<AssociationResult>) -> (StatusCode, Json<AssociationResults>) {
    (StatusCode::MULTI_STATUS, Json(AssociationResults { results }))
}

fn find(
    state: &RegistryState,
    query: AssociationQuery,
    include_schemas: bool,
    grants: &Grants,
) -> Answer<AssociationResponse> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (id, name) = (given(query.resource_id), given(query.resource_name));
    let namespace = given(query.resource_namespace);
    let resource_type = given(query.resource_type).unwrap_or_else(|| TOPIC.into());
    let wanted = Wanted {
        resource_type: &resource_type,
        association_types: &query.association_types,
        lifecycle: query.lifecycle,
    };
    let all = state.associations();
    let is_shown = |a: &&Arc<Association>| wanted.has(a) && grants.read(&a.subject);
    let found: Vec<&Arc<Association>> = match (&id, &name, &namespace) {
        (None, None, _) => {
            return Err(invalid(
                "resourceId",
                "either resourceId or resourceName must be specified",
            ));
        }
        (_, Some(_), None) => {
            let detail = "resourceNamespace is required when resourceName is specified";
            return Err(invalid("resourceNamespace", detail));
        }
        (None, Some(name), Some(namespace)) => {
            all.of_resource_name(name, namespace).filter(is_shown).collect()
        }
        (Some(id), _, _) => all.of_resource_id(id).filter(is_shown).collect(),
    };
    let first = found.first();
    let info = |a: &&Arc<Association>| {
        AssociationInfo::of(a, include_schemas.then(|| latest(state, a)).flatten())
    };
    Ok(AssociationResponse {
        resource_name: name.clone().or_else(|| first.map(|a| a.resource_name.clone())),
        resource_namespace: namespace
            .clone()
            .or_else(|| first.map(|a| a.resource_namespace.clone())),
        resource_id: id.clone().or_else(|| first.map(|a| a.resource_id.clone())),
        associations: found.iter().map(info).collect(),
        resource_type,
    })
}

fn latest(state: &RegistryState, association: &Association) -> Option<Schema> {
    let latest = state.live_versions(&association.subject).next_back()?;
    Some(state.schema(&association.subject, latest))
}

async fn change_one(
    registry: &Registry,
    ops: AssociationOps,
    way: &Way,
) -> Answer<AssociationResponse> {
    let resource = AssociationRequest {
        resource_name: ops.resource_name.clone(),
        resource_namespace: ops.resource_namespace.clone(),
        resource_id: ops.resource_id.clone().filter(|id| !id.is_empty()),
        resource_type: Some(TOPIC.into()),
        associations: Vec::new(),
    };
    let id = resource.resource_id.clone().unwrap_or_default();
    let mut schemas = BTreeMap::new();
    for run in ops.runs(way.is_dry).map_err(RegistryError::from)? {
        let changed = match run {
            AssociationRun::Create(request) => change(registry, request, way, Kind::Create).await?,
            AssociationRun::Upsert(request) => change(registry, request, way, Kind::Upsert).await?,
            AssociationRun::Delete { association_type, cascade_lifecycle } => {
                let what = AssociationDelete {
                    resource_id: id.clone(),
                    resource_type: TOPIC.into(),
                    association_types: vec![association_type],
                    cascade_lifecycle,
                    grants: way.grants(),
                };
                match remove(registry, &way.caller, what, way.is_dry).await {
                    // what is not there is deleted
                    Ok(()) | Err(weir_http::Refused(RegistryError::AssociationNotFound { .. })) => {
                        continue;
                    }
                    Err(refused) => return Err(refused),
                }
            }
        };
        schemas.extend(changed.associations.into_iter().map(|a| (a.association_type, a.schema)));
    }
    let state = registry.state();
    let grants = way.grants();
    let is_shown = |a: &&Arc<Association>| a.resource_type == TOPIC && grants.read(&a.subject);
    let all = state.associations().of_resource_id(&id).filter(is_shown);
    let info = |a: &Arc<Association>| {
        AssociationInfo::of(a, schemas.get(&a.association_type).cloned().flatten())
    };
    let associations = if way.is_dry { Vec::new() } else { all.map(info).collect() };
    Ok(response(&resource, associations))
}

fn invalid(property: &'static str, detail: &str) -> Refused {
    Refused::from(RegistryError::InvalidAssociation { property, detail: detail.into() })
}
