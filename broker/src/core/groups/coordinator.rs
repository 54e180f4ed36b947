//! FindCoordinator: the only node coordinates every group and every transaction.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled, NODE};

/// Kinds of coordinators, as the request names them.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// From this version on, a request has several keys.
const BATCHED_FROM: i16 = 4;

impl Core {
    pub(crate) fn find_coordinator(
        &mut self,
        call: &Call,
        request: FindCoordinatorRequest,
    ) -> Handled<FindCoordinatorResponse> {
        if call.version >= BATCHED_FROM {
            let kind = request.key_type;
            let coordinators = request
                .coordinator_keys
                .into_iter()
                .map(|key| self.coordinator_of(call, kind, key))
                .collect();
            return Handled::Now(
                FindCoordinatorResponse::default().with_coordinators(coordinators),
            );
        }
        let found = self.coordinator_of(call, request.key_type, request.key);
        let message = match found.error_code {
            0 => Some(StrBytes::from_static_str("NONE")),
            _ => found.error_message,
        };
        let response = FindCoordinatorResponse::default()
            .with_error_code(found.error_code)
            .with_error_message(message)
            .with_node_id(found.node_id)
            .with_host(found.host)
            .with_port(found.port);
        Handled::Now(response)
    }

    fn coordinator_of(&self, call: &Call, kind: i8, key: StrBytes) -> Coordinator {
        let refused = match kind {
            GROUP if !self.may(call, Operation::Describe, Resource::Group(&key)) => {
                Some(ResponseError::GroupAuthorizationFailed)
            }
            TRANSACTION
                if !self.may(call, Operation::Describe, Resource::TransactionalId(&key)) =>
            {
                Some(ResponseError::TransactionalIdAuthorizationFailed)
            }
            GROUP | TRANSACTION => None,
            _ => Some(ResponseError::InvalidRequest),
        };
        let coordinator = Coordinator::default().with_key(key);
        match refused {
            Some(error) => coordinator
                .with_error_code(error.code())
                .with_error_message(Some(StrBytes::from_string(error.to_string())))
                .with_node_id(BrokerId(-1))
                .with_port(-1),
            None => {
                let (host, port) = self.advertised(call.caller.connection);
                coordinator
                    .with_error_message(Some(StrBytes::default()))
                    .with_node_id(NODE)
                    .with_host(StrBytes::from_string(host))
                    .with_port(port.into())
            }
        }
    }
}
