//! Access control lists.

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Serialize};

use super::Admin;
#[cfg(doc)]
use crate::code::Code;
use crate::fault::{Fault, check};

/// A word of Kafka's that has a number on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($word:ident $code:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name {
            $($word,)*
        }

        impl $name {
            pub(super) fn code(self) -> i8 {
                match self { $(Self::$word => $code,)* }
            }

            pub(super) fn of(code: i8) -> $name {
                match code { $($code => Self::$word,)* _ => Self::Unknown }
            }
        }

        impl std::str::FromStr for $name {
            type Err = serde::de::value::Error;

            fn from_str(word: &str) -> Result<$name, Self::Err> {
                use serde::de::IntoDeserializer;
                let word: serde::de::value::StrDeserializer<'_, Self::Err> =
                    word.into_deserializer();
                $name::deserialize(word)
            }
        }
    };
}

words! {
    /// What is protected by ACLs.
    ResourceType {
        Unknown 0 Any 1 Topic 2 Group 3 Cluster 4 TransactionalId 5 DelegationToken 6 User 7
    }
}

words! {
    /// How the name of a resource is meant.
    Pattern { Unknown 0 Any 1 Match 2 Literal 3 Prefixed 4 }
}

words! {
    /// What somebody may do to a resource.
    Operation {
        Unknown 0 Any 1 All 2 Read 3 Write 4 Create 5 Delete 6 Alter 7 Describe 8 ClusterAction 9
        DescribeConfigs 10 AlterConfigs 11 IdempotentWrite 12 CreateTokens 13 DescribeTokens 14
        TwoPhaseCommit 15
    }
}

words! {
    Permission { Unknown 0 Any 1 Deny 2 Allow 3 }
}

impl Operation {
    /// Operations as Kafka's bits; nothing where it was not asked.
    pub(super) fn of_bits(bits: i32) -> Option<Vec<Operation>> {
        (bits != i32::MIN).then(|| {
            let set = (0..15).filter(|bit| bits & (1 << bit) != 0);
            set.map(Operation::of).collect()
        })
    }
}

/// An access control list of one entry, as Kafka has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    pub resource_type: ResourceType,
    pub resource_name: String,
    pub pattern_type: Pattern,
    pub principal: String,
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

/// Which ACLs are meant. A name, principal or host that is None matches all.
pub struct AclFilter {
    pub resource_type: ResourceType,
    pub resource_name: Option<String>,
    pub pattern_type: Pattern,
    pub principal: Option<String>,
    pub host: Option<String>,
    pub operation: Operation,
    pub permission: Permission,
}

fn text(text: &Option<String>) -> Option<StrBytes> {
    text.clone().map(StrBytes::from_string)
}

impl Admin {
    /// The ACLs that match, in no order. [`Code::SecurityDisabled`] there is no authorizer.
    pub async fn acls(&self, filter: &AclFilter) -> Result<Vec<Acl>, Fault> {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(filter.resource_type.code())
            .with_resource_name_filter(text(&filter.resource_name))
            .with_pattern_type_filter(filter.pattern_type.code())
            .with_principal_filter(text(&filter.principal))
            .with_host_filter(text(&filter.host))
            .with_operation(filter.operation.code())
            .with_permission_type(filter.permission.code());
        let answer = self.client.ask_any(|_| request.clone()).await?;
        check(answer.error_code, answer.error_message)?;
        let mut found = Vec::new();
        for resource in answer.resources {
            for acl in resource.acls {
                found.push(Acl {
                    resource_type: ResourceType::of(resource.resource_type),
                    resource_name: resource.resource_name.to_string(),
                    pattern_type: Pattern::of(resource.pattern_type),
                    principal: acl.principal.to_string(),
                    host: acl.host.to_string(),
                    operation: Operation::of(acl.operation),
                    permission: Permission::of(acl.permission_type),
                });
            }
        }
        Ok(found)
    }

    /// Makes ACLs; the first that Kafka refuses is the error.
    pub async fn create_acls(&self, acls: &[Acl]) -> Result<(), Fault> {
        let creation = |acl: &Acl| {
            AclCreation::default()
                .with_resource_type(acl.resource_type.code())
                .with_resource_name(StrBytes::from_string(acl.resource_name.clone()))
                .with_resource_pattern_type(acl.pattern_type.code())
                .with_principal(StrBytes::from_string(acl.principal.clone()))
                .with_host(StrBytes::from_string(acl.host.clone()))
                .with_operation(acl.operation.code())
                .with_permission_type(acl.permission.code())
        };
        let request =
            CreateAclsRequest::default().with_creations(acls.iter().map(creation).collect());
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        answer.results.into_iter().try_for_each(|r| check(r.error_code, r.error_message))
    }

    /// The ACLs that were deleted, sorted.
    pub async fn delete_acls(&self, filter: &AclFilter) -> Result<Vec<Acl>, Fault> {
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(filter.resource_type.code())
            .with_resource_name_filter(text(&filter.resource_name))
            .with_pattern_type_filter(filter.pattern_type.code())
            .with_principal_filter(text(&filter.principal))
            .with_host_filter(text(&filter.host))
            .with_operation(filter.operation.code())
            .with_permission_type(filter.permission.code());
        let request = DeleteAclsRequest::default().with_filters(vec![filter]);
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        let mut deleted = Vec::new();
        for result in answer.filter_results {
            check(result.error_code, result.error_message)?;
            for acl in result.matching_acls {
                check(acl.error_code, acl.error_message)?;
                deleted.push(Acl {
                    resource_type: ResourceType::of(acl.resource_type),
                    resource_name: acl.resource_name.to_string(),
                    pattern_type: Pattern::of(acl.pattern_type),
                    principal: acl.principal.to_string(),
                    host: acl.host.to_string(),
                    operation: Operation::of(acl.operation),
                    permission: Permission::of(acl.permission_type),
                });
            }
        }
        deleted.sort();
        Ok(deleted)
    }
}
