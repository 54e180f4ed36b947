//! LeaveGroup.

use kafka_protocol::error::ResponseError;

use super::ClassicGroup;
use crate::core::groups::turn::Turn;

/// A member that leaves: it is named by its id, or a static one by its instance alone, which is what an
/// administrator does.
#[derive(Debug)]
pub(in crate::core::groups) struct Leaving {
    pub member: String,
    pub instance: Option<String>,
}

impl ClassicGroup {
    /// Takes members out, and tells for each how it went.
    pub fn leave(
        &mut self,
        leaving: &[Leaving],
        turn: &mut Turn,
    ) -> Vec<Result<(), ResponseError>> {
        let results: Vec<_> = leaving.iter().map(|one| self.leave_one(one, turn)).collect();
        if results.iter().any(Result::is_ok) {
            self.rebalance_without_removed(turn);
        }
        results
    }

    fn leave_one(&mut self, leaving: &Leaving, turn: &mut Turn) -> Result<(), ResponseError> {
        let instance = leaving.instance.as_deref();
        if leaving.member.is_empty()
            && let Some(instance) = instance
        {
            let id = self.instances.get(instance).cloned();
            let id = id.ok_or(ResponseError::UnknownMemberId)?;
            self.remove(&id, turn);
            return Ok(());
        }
        if !self.pending_joins.contains(&leaving.member) {
            self.validate_member(&leaving.member, instance)?;
        }
        self.remove(&leaving.member, turn);
        Ok(())
    }
}
