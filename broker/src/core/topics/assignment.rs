//! Replicas that a client assigns to partitions. There is one node, so each has to be this one.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::BrokerId;

use crate::core::NODE;
use crate::core::refusal::Refusal;

/// Says what is wrong with the replicas of one partition.
pub(crate) fn check_replicas(replicas: &[BrokerId]) -> Result<(), Refusal> {
    let why = match replicas {
        [] => "The manual partition assignment includes an empty replica list.".to_owned(),
        [NODE] => return Ok(()),
        replicas => match replicas.iter().find(|broker| **broker != NODE) {
            Some(stranger) if stranger.0 < 0 => {
                format!(
                    "The manual partition assignment includes an invalid broker ID {}.",
                    stranger.0
                )
            }
            Some(stranger) => format!(
                "The manual partition assignment includes broker {}, but no such broker is registered.",
                stranger.0
            ),
            None => format!(
                "The manual partition assignment includes the broker {} more than once.",
                NODE.0
            ),
        },
    };
    Err(Refusal::new(ResponseError::InvalidReplicaAssignment, why))
}
