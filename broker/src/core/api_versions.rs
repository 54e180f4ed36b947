//! ApiVersions: what the broker has.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

use super::{Call, Core, Handled, features};
use crate::apis::{Response, SUPPORTED, Supported};

/// The version from which on a client says its name, and is told of features.
const NAMED: i16 = 3;

impl Core {
    pub(crate) fn api_versions(
        &mut self,
        call: &Call,
        request: ApiVersionsRequest,
    ) -> Handled<ApiVersionsResponse> {
        if call.version < NAMED {
            return Handled::Now(all_versions());
        }
        let is_named = is_software(&request.client_software_name)
            && is_software(&request.client_software_version);
        if !is_named {
            let error = ResponseError::InvalidRequest.code();
            return Handled::Now(ApiVersionsResponse::default().with_error_code(error));
        }
        Handled::Now(features::announce(all_versions(), call.version))
    }
}

/// Returns true for letters, digits, dots and dashes, with a letter or digit at both ends.
fn is_software(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_outer = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.chars().all(is_inner) && is_outer(name.chars().next()) && is_outer(name.chars().last())
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
