//! ListConfigResources: what has configs.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::ConfigScope;
use super::describe::resource_type::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::core::refusal::text;
use crate::core::{Call, Core, Handled, NODE, Operation, Resource};

/// The kinds of resources, in the order in which they are listed.
const KINDS: [i8; 5] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

impl Core {
    pub(crate) fn list_config_resources(
        &mut self,
        call: &Call,
        request: ListConfigResourcesRequest,
    ) -> Handled<ListConfigResourcesResponse> {
        let response = ListConfigResourcesResponse::default();
        if !self.may(call, Operation::DescribeConfigs, Resource::Cluster) {
            let error = ResponseError::ClusterAuthorizationFailed;
            return Handled::Now(response.with_error_code(error.code()));
        }
        let wanted = match request.resource_types {
            _ if call.version == 0 => vec![CLIENT_METRICS],
            wanted if wanted.is_empty() => KINDS.to_vec(),
            wanted => wanted,
        };
        if wanted.iter().any(|kind| !KINDS.contains(kind)) {
            let error = ResponseError::UnsupportedVersion;
            return Handled::Now(response.with_error_code(error.code()));
        }
        let resources = KINDS.into_iter().filter(|kind| wanted.contains(kind)).flat_map(|kind| {
            let named = move |name: String| {
                ConfigResource::default().with_resource_type(kind).with_resource_name(text(&name))
            };
            self.config_resources(kind).into_iter().map(named)
        });
        let resources = resources.collect();
        Handled::Now(response.with_config_resources(resources))
    }

    fn config_resources(&self, kind: i8) -> Vec<String> {
        let scopes = self.configs.set.keys();
        match kind {
            TOPIC => self.catalog.iter().map(|(name, _)| name.to_owned()).collect(),
            BROKER | BROKER_LOGGER => vec![NODE.0.to_string()],
            GROUP => scopes
                .filter_map(|scope| match scope {
                    ConfigScope::Group(name) => Some(name.clone()),
                    _ => None,
                })
                .collect(),
            CLIENT_METRICS => scopes
                .filter_map(|scope| match scope {
                    ConfigScope::ClientMetrics(name) => Some(name.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
