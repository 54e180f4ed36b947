//! Logins, users, ACLs and quotas.

use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse, CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest,
    DeleteAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Refusable, refused_at_the_top};

refused_at_the_top! {
    DescribeAclsRequest => DescribeAclsResponse,
    DescribeClientQuotasRequest => DescribeClientQuotasResponse,
    DescribeUserScramCredentialsRequest => DescribeUserScramCredentialsResponse,
    SaslAuthenticateRequest => SaslAuthenticateResponse,
    SaslHandshakeRequest => SaslHandshakeResponse,
}

impl Refusable for CreateAclsRequest {
    type Response = CreateAclsResponse;

    fn refusal(&self, _version: i16, code: i16) -> CreateAclsResponse {
        let result = AclCreationResult::default().with_error_code(code);
        CreateAclsResponse::default().with_results(vec![result; self.creations.len()])
    }
}

impl Refusable for DeleteAclsRequest {
    type Response = DeleteAclsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DeleteAclsResponse {
        let result = DeleteAclsFilterResult::default().with_error_code(code);
        DeleteAclsResponse::default().with_filter_results(vec![result; self.filters.len()])
    }
}

impl Refusable for AlterUserScramCredentialsRequest {
    type Response = AlterUserScramCredentialsResponse;

    fn refusal(&self, _version: i16, code: i16) -> AlterUserScramCredentialsResponse {
        let deleted = self.deletions.iter().map(|deletion| &deletion.name);
        let inserted = self.upsertions.iter().map(|upsertion| &upsertion.name);
        let mut users: Vec<&StrBytes> = deleted.chain(inserted).collect();
        users.sort();
        users.dedup();
        let results = users.into_iter().map(|user| {
            AlterUserScramCredentialsResult::default().with_user(user.clone()).with_error_code(code)
        });
        AlterUserScramCredentialsResponse::default().with_results(results.collect())
    }
}

impl Refusable for AlterClientQuotasRequest {
    type Response = AlterClientQuotasResponse;

    fn refusal(&self, _version: i16, code: i16) -> AlterClientQuotasResponse {
        let entries = self.entries.iter().map(|entry| {
            let entity = entry.entity.iter().map(|entity| {
                EntityData::default()
                    .with_entity_type(entity.entity_type.clone())
                    .with_entity_name(entity.entity_name.clone())
            });
            EntryData::default().with_entity(entity.collect()).with_error_code(code)
        });
        AlterClientQuotasResponse::default().with_entries(entries.collect())
    }
}
