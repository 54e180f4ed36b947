//! ApiVersions: what the broker has.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

use super::{Call, Core, Handled};
use crate::apis::{Response, SUPPORTED, Supported};

impl Core {
    pub(crate) fn api_versions(
        &mut self,
        _call: &Call,
        _request: ApiVersionsRequest,
    ) -> Handled<ApiVersionsResponse> {
        Handled::Now(all_versions())
    }
}

/// The answer to a version of ApiVersions that the broker does not have: what there is, in version 0.
pub fn api_versions_refused() -> Response {
    all_versions().with_error_code(ResponseError::UnsupportedVersion.code()).into()
}

/// Produce is announced from version 0 on, as Kafka 4 does: librdkafka takes a broker without it for
/// one of another message format. A request of these versions ends the connection.
fn announced_min(api: &Supported) -> i16 {
    if api.key == ApiKey::Produce { 0 } else { api.min }
}

/// Everything that the broker has.
pub fn all_versions() -> ApiVersionsResponse {
    let api_keys = SUPPORTED
        .iter()
        .map(|api| {
            ApiVersion::default()
                .with_api_key(api.key as i16)
                .with_min_version(announced_min(api))
                .with_max_version(api.max)
        })
        .collect();
    ApiVersionsResponse::default().with_api_keys(api_keys)
}
