//! DescribeCluster.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use crate::core::metadata::OPERATIONS_NOT_ASKED;
use crate::core::refusal::text;
use crate::core::{Call, Core, Handled, NODE, Operation, Resource};

/// The endpoint that clients are served on.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

impl Core {
    pub(crate) fn describe_cluster(
        &mut self,
        call: &Call,
        request: DescribeClusterRequest,
    ) -> Handled<DescribeClusterResponse> {
        let response = DescribeClusterResponse::default()
            .with_controller_id(BrokerId(-1))
            .with_cluster_authorized_operations(OPERATIONS_NOT_ASKED);
        let refused = |error: ResponseError, message: String| {
            let response = response.clone().with_error_code(error.code());
            Handled::Now(response.with_error_message(Some(StrBytes::from_string(message))))
        };
        match request.endpoint_type {
            BROKERS => {}
            CONTROLLERS => {
                let message = "The request was sent to an endpoint of type BROKER, but we wanted an \
                               endpoint of type CONTROLLER";
                return refused(ResponseError::MismatchedEndpointType, message.to_owned());
            }
            other => {
                let message = format!("Unsupported endpoint type {other}");
                return refused(ResponseError::UnsupportedEndpointType, message);
            }
        }
        let operations = match request.include_cluster_authorized_operations {
            true if self.may(call, Operation::Describe, Resource::Cluster) => {
                self.authorized_operations(call, Resource::Cluster)
            }
            true => 0,
            false => OPERATIONS_NOT_ASKED,
        };
        let (host, port) = self.advertised(call.caller.connection);
        let broker = DescribeClusterBroker::default()
            .with_broker_id(NODE)
            .with_host(text(&host))
            .with_port(port.into());
        Handled::Now(
            response
                .with_cluster_id(self.cluster_id_text())
                .with_controller_id(NODE)
                .with_brokers(vec![broker])
                .with_cluster_authorized_operations(operations),
        )
    }
}
