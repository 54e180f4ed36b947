//! `/v1/access`.

use serde::Deserialize;
use weir_http::{AccessAnswer, AccessQuestion, Caller, Json, Resource};

use super::answer::Refused;
use super::request::Query;
use crate::error::ProxyError;

/// Whether somebody may do something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AccessCheck {
    principal: Option<String>,
    group: Vec<String>,
    role: Vec<String>,
    action: String,
    resource: String,
}

/// `GET /v1/access/check`: may somebody do something, and which rule says so?
///
/// `principal` (the caller, if there is none), `group` and `role` (of the principal, each may stand there often),
/// `action` (`read`), `resource` (`topic:orders`). 400 · 40301 for others than the caller without the right to administer
/// `cluster:kafka`.
pub(super) async fn check(
    caller: Caller,
    Query(asked): Query<AccessCheck>,
) -> Result<Json<AccessAnswer>, Refused> {
    let AccessCheck { principal, group, role, action, resource } = asked;
    let question = AccessQuestion { principal, groups: group, roles: role, action, resource };
    let answer = caller.explain(&question, Resource::KAFKA);
    Ok(Json(answer.map_err(ProxyError::from)?))
}
