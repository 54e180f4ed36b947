//! `/associations`. Source: Confluent AssociationsResource.

mod batch;
mod change;
mod wanted;

use std::sync::Arc;

use axum::http::StatusCode;
use weir_registry_api::{Association, AssociationRequest, AssociationResponse, RegistryError};
use weir_registry_core::{AssociationDelete, Grants};

use super::answer::{Answer, Json, Refused};
use super::query::{ChangingAssociations, DeletingAssociations, ListAssociations, Paging};
use super::request::{Body, From, Named, Query};
use super::rights::{ByBody, Filtered, OnSubject, Read, of_caller};
pub(super) use batch::{batch_change, batch_get};
use change::{Kind, Way, change, remove};
use wanted::{Wanted, lifecycle, resource_type};
pub(super) use wanted::{lifecycles_are_known, shown, wanted};

/// Associations in one answer, and its default.
const ASSOCIATIONS_MAX: usize = 1000;

/// `GET /associations/subjects/{subject}`: the resources that a subject belongs to.
///
/// `resourceType` (`topic`), `associationType` (several), `lifecycle`, `offset`, `limit` (at most
/// 1000, which is the default). None is no error. 42208.
pub(super) async fn of_subject(
    OnSubject { registry, subject, .. }: OnSubject<Read>,
    Query(asked): Query<ListAssociations>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<Association>>> {
    let state = registry.state();
    page(state.associations().of_subject(&subject), &asked, &paging, &Grants::ALL)
}

/// `GET /associations/resources/{namespace}/{name}`: the subjects of a resource; `-` is any
/// namespace.
///
/// Those that the caller may read. The parameters are those of `GET /associations/subjects/{subject}`. None is no error.
pub(super) async fn of_resource_name(
    Filtered { registry, grants }: Filtered,
    Named((namespace, name)): Named<(String, String)>,
    Query(asked): Query<ListAssociations>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<Association>>> {
    let state = registry.state();
    page(state.associations().of_resource_name(&name, &namespace), &asked, &paging, &grants)
}

/// `GET /associations/resources/{resource}`: the subjects of a resource, by its id.
///
/// Those that the caller may read. The parameters are those of `GET /associations/subjects/{subject}`. None is no error.
pub(super) async fn of_resource_id(
    Filtered { registry, grants }: Filtered,
    Named(id): Named<String>,
    Query(asked): Query<ListAssociations>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<Association>>> {
    page(registry.state().associations().of_resource_id(&id), &asked, &paging, &grants)
}

/// `POST /associations`: give a resource its subjects; those that come with a schema become its
/// own, and are registered with it or not at all.
///
/// `context` (of unqualified subjects), `dryRun` (needs no resource's id). Answers what is new. What
/// is there as it is to be is left. The caller needs to write each subject. 40301 · 40901 · 40903 the resource has another · 40904 · 40905 the
/// subject is another's · 40907 it has no version · 42201 · 42205 mode forbids · 42206 referenced ·
/// 42208 · 42212 · 42290 · 50001 log.
pub(super) async fn create(
    ByBody { registry, caller }: ByBody,
    From(asker): From,
    Query(asked): Query<ChangingAssociations>,
    Body(request): Body<AssociationRequest>,
) -> Answer<Json<AssociationResponse>> {
    let way = Way::of(&asked, asker, caller)?;
    let request = request.checked(true, way.is_dry).map_err(RegistryError::from)?;
    change(&registry, request, &way, Kind::Create).await.map(Json)
}

/// `PUT /associations/resources/{resource}`: give a resource its subjects, or change those that it has: a
/// resource's own subject gets a new version. New ones are shared.
///
/// `context`, `dryRun`. The caller needs to write each subject. 40301 · 40901 · 40904 · 40905 · 40907 · 40908 frozen · 42201 · 42205 · 42208 · 42212 ·
/// 42290 · 50001 log.
pub(super) async fn put(
    ByBody { registry, caller }: ByBody,
    Named(id): Named<String>,
    From(asker): From,
    Query(asked): Query<ChangingAssociations>,
    Body(mut request): Body<AssociationRequest>,
) -> Answer<Json<AssociationResponse>> {
    if *request.resource_id.get_or_insert_with(|| id.clone()) != id {
        return Err(Refused::from(RegistryError::InvalidAssociation {
            property: "resourceId",
            detail: "Resource ID in the path parameter does not match the resource ID in the request body".into(),
        }));
    }
    let way = Way::of(&asked, asker, caller)?;
    let request = request.checked(false, way.is_dry).map_err(RegistryError::from)?;
    change(&registry, request, &way, Kind::Upsert).await.map(Json)
}

/// `DELETE /associations/resources/{resource}`: take a resource's subjects from it.
///
/// `resourceType`, `associationType` (several; without, all), `cascadeLifecycle` (subjects that are
/// its own go for good), `dryRun`. Subjects that the caller may not read are left; it needs to write the others, and
/// to delete those that go. Answers 204. 40301 · 40410 · 40908 frozen, and not cascading · 42205 · 42206
/// referenced · 50001 log.
pub(super) async fn delete(
    ByBody { registry, caller }: ByBody,
    Named(id): Named<String>,
    Query(asked): Query<DeletingAssociations>,
) -> Answer<StatusCode> {
    let what = AssociationDelete {
        resource_id: id,
        resource_type: resource_type(asked.resource_type.as_deref()).to_string(),
        association_types: asked.association_type,
        cascade_lifecycle: asked.cascade_lifecycle,
        grants: of_caller(caller.clone()),
    };
    remove(&registry, &caller, what, asked.dry_run).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn page<'a>(
    associations: impl Iterator<Item = &'a Arc<Association>>,
    asked: &ListAssociations,
    paging: &Paging,
    grants: &Grants,
) -> Answer<Json<Vec<Association>>> {
    let wanted = Wanted {
        resource_type: resource_type(asked.resource_type.as_deref()),
        association_types: &asked.association_type,
        lifecycle: match asked.lifecycle.as_deref() {
            None | Some("") => None,
            Some(name) => Some(lifecycle(name).ok_or(RegistryError::NotFound)?),
        },
    };
    let found =
        associations.filter(|a| wanted.has(a) && grants.read(&a.subject)).map(|a| (**a).clone());
    Ok(Json(paging.of(found, ASSOCIATIONS_MAX)))
}
