//! CreateAcls, DescribeAcls and DeleteAcls.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::{
    DeleteAclsFilterResult, DeleteAclsMatchingAcl,
};
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};

use super::model::{ANY, CLUSTER_NAME, Filter, Pattern, PatternFilter, Permission, ResourceType};
use super::{ACLS_MAX, Acl, Operation};
use crate::core::refusal::{Refusal, text};
use crate::core::{Call, Core, Entry, Handled, Key, Resource};

impl Core {
    pub(crate) fn describe_acls(
        &mut self,
        call: &Call,
        request: DescribeAclsRequest,
    ) -> Handled<DescribeAclsResponse> {
        let response = DescribeAclsResponse::default();
        let refused = |refusal: Refusal| {
            let response = response.clone().with_error_code(refusal.code());
            Handled::Now(response.with_error_message(refusal.text()))
        };
        if !self.may(call, Operation::Describe, Resource::Cluster) {
            return refused(ResponseError::ClusterAuthorizationFailed.into());
        }
        let filter = filter(&Numbers {
            resource_type: request.resource_type_filter,
            pattern: request.pattern_type_filter,
            operation: request.operation,
            permission: request.permission_type,
        });
        let Some(filter) = filter else { return refused(unknown_number()) };
        let filter = Filter {
            name: request.resource_name_filter.map(|name| name.to_string()),
            principal: request.principal_filter.map(|principal| principal.to_string()),
            host: request.host_filter.map(|host| host.to_string()),
            ..filter
        };
        let mut resources: BTreeMap<(ResourceType, &str, Pattern), Vec<AclDescription>> =
            BTreeMap::new();
        for acl in self.acls.rules.iter().filter(|acl| filter.fits(acl)) {
            let description = AclDescription::default()
                .with_principal(text(&acl.principal))
                .with_host(text(&acl.host))
                .with_operation(acl.operation as i8)
                .with_permission_type(acl.permission as i8);
            let resource = (acl.resource_type, acl.name.as_str(), acl.pattern);
            resources.entry(resource).or_default().push(description);
        }
        let resources = resources.into_iter().map(|((kind, name, pattern), acls)| {
            DescribeAclsResource::default()
                .with_resource_type(kind as i8)
                .with_resource_name(text(name))
                .with_pattern_type(pattern as i8)
                .with_acls(acls)
        });
        let resources = resources.collect();
        Handled::Now(response.with_error_message(Some(text(""))).with_resources(resources))
    }

    pub(crate) fn create_acls(
        &mut self,
        call: &Call,
        request: CreateAclsRequest,
    ) -> Handled<CreateAclsResponse> {
        let is_allowed = self.may(call, Operation::Alter, Resource::Cluster);
        let results = request.creations.into_iter().map(|creation| {
            let made = match is_allowed {
                true => acl_of(creation).and_then(|acl| self.create_acl(call, acl)),
                false => Err(ResponseError::ClusterAuthorizationFailed.into()),
            };
            match made {
                Ok(()) => AclCreationResult::default().with_error_message(Some(text(""))),
                Err(refusal) => AclCreationResult::default()
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.text()),
            }
        });
        let results = results.collect();
        Handled::Now(CreateAclsResponse::default().with_results(results))
    }

    fn create_acl(&mut self, call: &Call, acl: Acl) -> Result<(), Refusal> {
        if self.acls.rules.contains(&acl) {
            return Ok(());
        }
        if self.acls.rules.len() >= ACLS_MAX {
            let message = format!("This broker has {ACLS_MAX} ACLs, which is its limit.");
            return Err(Refusal::new(ResponseError::PolicyViolation, message));
        }
        let entry = Entry { key: Key::Acl(acl.clone()), value: Some(true.into()) };
        self.journal.write(vec![entry], call.now)?;
        self.acls.rules.insert(acl);
        Ok(())
    }

    pub(crate) fn delete_acls(
        &mut self,
        call: &Call,
        request: DeleteAclsRequest,
    ) -> Handled<DeleteAclsResponse> {
        let is_allowed = self.may(call, Operation::Alter, Resource::Cluster);
        let mut results = Vec::new();
        for wanted in request.filters {
            let numbers = Numbers {
                resource_type: wanted.resource_type_filter,
                pattern: wanted.pattern_type_filter,
                operation: wanted.operation,
                permission: wanted.permission_type,
            };
            let filter = filter(&numbers).map(|filter| Filter {
                name: wanted.resource_name_filter.map(|name| name.to_string()),
                principal: wanted.principal_filter.map(|principal| principal.to_string()),
                host: wanted.host_filter.map(|host| host.to_string()),
                ..filter
            });
            let deleted = match filter {
                _ if !is_allowed => Err(ResponseError::ClusterAuthorizationFailed.into()),
                Some(filter) => self.delete_matching(call, &filter),
                None => Err(unknown_number()),
            };
            results.push(match deleted {
                Ok(acls) => DeleteAclsFilterResult::default()
                    .with_error_message(None)
                    .with_matching_acls(acls.iter().map(deleted_acl).collect()),
                Err(refusal) => DeleteAclsFilterResult::default()
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.text()),
            });
        }
        Handled::Now(DeleteAclsResponse::default().with_filter_results(results))
    }

    fn delete_matching(&mut self, call: &Call, filter: &Filter) -> Result<Vec<Acl>, Refusal> {
        let found: Vec<Acl> =
            self.acls.rules.iter().filter(|acl| filter.fits(acl)).cloned().collect();
        let entries = found.iter().map(|acl| Entry { key: Key::Acl(acl.clone()), value: None });
        let entries: Vec<Entry> = entries.collect();
        if !entries.is_empty() {
            self.journal.write(entries, call.now)?;
        }
        found.iter().for_each(|acl| {
            self.acls.rules.remove(acl);
        });
        Ok(found)
    }
}

/// The fields of a filter that are numbers.
struct Numbers {
    resource_type: i8,
    pattern: i8,
    operation: i8,
    permission: i8,
}

/// A filter by numbers only. `None` says that one of them means nothing.
fn filter(numbers: &Numbers) -> Option<Filter> {
    fn any_or<T>(number: i8, read: fn(i8) -> Option<T>) -> Option<Option<T>> {
        if number == ANY { Some(None) } else { read(number).map(Some) }
    }
    Some(Filter {
        resource_type: any_or(numbers.resource_type, ResourceType::from_number)?,
        name: None,
        pattern: PatternFilter::from_number(numbers.pattern)?,
        principal: None,
        host: None,
        operation: any_or(numbers.operation, Operation::from_number)?,
        permission: any_or(numbers.permission, permission)?,
    })
}

fn permission(number: i8) -> Option<Permission> {
    match number {
        2 => Some(Permission::Deny),
        3 => Some(Permission::Allow),
        _ => None,
    }
}

fn unknown_number() -> Refusal {
    let message = "The filter contains an unknown type, pattern, operation or permission.";
    Refusal::new(ResponseError::InvalidRequest, message)
}

fn acl_of(creation: AclCreation) -> Result<Acl, Refusal> {
    let invalid = |message: String| Refusal::new(ResponseError::InvalidRequest, message);
    let resource_type = ResourceType::from_number(creation.resource_type)
        .ok_or_else(|| invalid(format!("Invalid resource type {}", creation.resource_type)))?;
    let name = creation.resource_name.to_string();
    if resource_type == ResourceType::Cluster && name != CLUSTER_NAME {
        let message = format!("The only valid name for the CLUSTER resource is {CLUSTER_NAME}");
        return Err(invalid(message));
    }
    if name.is_empty() {
        return Err(invalid("Invalid empty resource name".to_owned()));
    }
    let pattern = match PatternFilter::from_number(creation.resource_pattern_type) {
        Some(PatternFilter::Exact(pattern)) => pattern,
        _ => {
            let number = creation.resource_pattern_type;
            return Err(invalid(format!("Invalid pattern type {number}")));
        }
    };
    let principal = creation.principal.to_string();
    if !principal.contains(':') {
        return Err(invalid(format!(
            "Could not parse principal from `{principal}` (no colon is present separating the \
             principal type from the principal name)"
        )));
    }
    let operation = Operation::from_number(creation.operation)
        .ok_or_else(|| invalid(format!("Invalid operation type {}", creation.operation)))?;
    let permission = permission(creation.permission_type)
        .ok_or_else(|| invalid(format!("Invalid permission type {}", creation.permission_type)))?;
    let host = creation.host.to_string();
    Ok(Acl { resource_type, name, pattern, principal, host, operation, permission })
}

fn deleted_acl(acl: &Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl::default()
        .with_error_message(None)
        .with_resource_type(acl.resource_type as i8)
        .with_resource_name(text(&acl.name))
        .with_pattern_type(acl.pattern as i8)
        .with_principal(text(&acl.principal))
        .with_host(text(&acl.host))
        .with_operation(acl.operation as i8)
        .with_permission_type(acl.permission as i8)
}
