//! Heartbeat.

use kafka_protocol::error::ResponseError;

use super::{ClassicGroup, ClassicState};
use crate::core::groups::turn::Turn;

impl ClassicGroup {
    /// A member is alive. The error tells it what it has to do.
    pub fn heartbeat(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        self.validate_member(id, instance)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        match self.state {
            ClassicState::Empty => Err(ResponseError::UnknownMemberId),
            ClassicState::PreparingRebalance => {
                self.keep_alive(id, turn);
                Err(ResponseError::RebalanceInProgress)
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.keep_alive(id, turn);
                Ok(())
            }
        }
    }

    /// The session of a member begins anew.
    pub fn keep_alive(&self, id: &str, turn: &mut Turn) {
        if let Some(member) = self.members.get(id) {
            turn.set(self.session_timer(id), member.session_timeout);
        }
    }

    /// Checks who commits offsets.
    pub fn validate_commit(
        &self,
        member: &str,
        instance: Option<&str>,
        generation: i32,
        is_transactional: bool,
    ) -> Result<(), ResponseError> {
        if generation < 0 && self.is_empty() {
            return Ok(());
        }
        if generation >= 0 || !member.is_empty() || instance.is_some() {
            self.validate_member(member, instance)?;
            if generation != self.generation {
                return Err(ResponseError::IllegalGeneration);
            }
        } else if !is_transactional && !self.is_empty() {
            return Err(ResponseError::UnknownMemberId);
        }
        match self.state {
            ClassicState::CompletingRebalance if !is_transactional => {
                Err(ResponseError::RebalanceInProgress)
            }
            _ => Ok(()),
        }
    }
}
