//! FindCoordinator: the only node coordinates every group and every transaction.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use crate::core::acls::{Operation, Resource};
use crate::core::refusal::Refusal;
use crate::core::{Call, Core, Handled, NODE};

/// Kinds of coordinators, as the request names them.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// There are no share groups, and nothing is said about it, as a Kafka without them does.
const SHARE: i8 = 2;

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
        let allowed = self.may_find(call, kind, &key);
        let coordinator = Coordinator::default().with_key(key);
        match allowed {
            Err(refusal) => coordinator
                .with_error_code(refusal.code())
                .with_error_message(refusal.text())
                .with_node_id(BrokerId(-1))
                .with_port(-1),
            Ok(()) => {
                let (host, port) = self.advertised(call.caller.connection);
                coordinator
                    .with_error_message(Some(StrBytes::default()))
                    .with_node_id(NODE)
                    .with_host(StrBytes::from_string(host))
                    .with_port(port.into())
            }
        }
    }

    fn may_find(&self, call: &Call, kind: i8, key: &str) -> Result<(), Refusal> {
        let may = |resource| self.may(call, Operation::Describe, resource);
        match kind {
            GROUP if may(Resource::Group(key)) => Ok(()),
            GROUP => {
                let error = ResponseError::GroupAuthorizationFailed;
                Err(Refusal::new(error, "Group authorization failed."))
            }
            TRANSACTION if may(Resource::TransactionalId(key)) => Ok(()),
            TRANSACTION => {
                let error = ResponseError::TransactionalIdAuthorizationFailed;
                Err(Refusal::new(error, "Transactional Id authorization failed."))
            }
            SHARE => Err(Refusal::new(ResponseError::InvalidRequest, "")),
            _ => {
                let message = "There is no such kind of coordinator.";
                Err(Refusal::new(ResponseError::InvalidRequest, message))
            }
        }
    }
}
