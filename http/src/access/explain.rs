//! `GET /v1/access/check`: what the rules say of somebody, and which of them decides.

use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use weir_access::{Action, Identity, Resource};
use weir_errors::HttpError;

use super::caller::Caller;

/// Whether somebody may do something.
#[derive(Clone, Debug, Default)]
pub struct AccessQuestion {
    /// The name of a principal; none is the caller. About others those may ask who may administer the service.
    pub principal: Option<String>,
    /// Groups that the principal is said to be in.
    pub groups: Vec<String>,
    /// Roles that the principal is said to have.
    pub roles: Vec<String>,
    /// `read`
    pub action: String,
    /// `subject:orders-value`
    pub resource: String,
}

/// The answer to an [`AccessQuestion`].
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AccessAnswer {
    principal: String,
    action: &'static str,
    resource: String,
    allowed: bool,
    /// The rule that decides, if one does: without any, nothing is allowed.
    rule: Option<DecidingRule>,
    /// Whether there are rules: without them, whoever comes in may do everything.
    restricted: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct DecidingRule {
    name: Arc<str>,
    line: usize,
}

impl Caller {
    /// Says what the rules say. `service` is whose administrators may ask about others.
    pub fn explain(
        &self,
        question: &AccessQuestion,
        service: Resource<'_>,
    ) -> Result<AccessAnswer, HttpError> {
        let bad = |reason: String| HttpError::BadRequest { reason };
        let action = Action::from_str(&question.action).map_err(bad)?;
        let resource = Resource::parse(&question.resource).map_err(bad)?;
        let who = self.who(question, service)?;
        let explained = self.explain_of(&who, action, resource);
        let (allowed, rule) = explained.unwrap_or((true, None));
        Ok(AccessAnswer {
            principal: who.name.to_string(),
            action: action.name(),
            resource: resource.to_string(),
            allowed,
            rule: rule.map(|rule| DecidingRule { name: rule.name, line: rule.line }),
            restricted: self.is_restricted(),
        })
    }

    /// Whom a question is about.
    fn who(&self, question: &AccessQuestion, service: Resource<'_>) -> Result<Identity, HttpError> {
        let own = self.identity().cloned().unwrap_or_else(Identity::anonymous);
        let is_own = question.principal.as_deref().is_none_or(|name| *name == *own.name);
        if is_own && question.groups.is_empty() && question.roles.is_empty() {
            return Ok(own);
        }
        self.demand(Action::Admin, service)?;
        let name = question.principal.as_deref().unwrap_or(&own.name);
        Identity::assumed(name, &question.groups, &question.roles)
            .map_err(|reason| HttpError::BadRequest { reason })
    }
}
