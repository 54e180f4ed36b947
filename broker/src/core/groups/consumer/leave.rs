//! Members that leave the consumer protocol's groups, or are taken out.

use super::{Assignment, ConsumerGroup, JOIN_EPOCH, MemberState, STATIC_LEAVE_EPOCH};
use crate::core::groups::turn::Turn;
use crate::core::refusal::Refusal;

impl ConsumerGroup {
    /// A member says that it leaves. A static one that says that it will be back keeps what it has
    /// until its session ends.
    pub fn leave(
        &mut self,
        id: &str,
        instance: Option<&str>,
        epoch: i32,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(Refusal::unknown_instance(instance)),
                Some(current) if current != id => {
                    return Err(Refusal::fenced_instance(id, instance, current));
                }
                Some(_) => {}
            }
        }
        let Some(member) = self.members.get_mut(id) else {
            return Err(Refusal::unknown_member(&self.id, id));
        };
        if epoch != STATIC_LEAVE_EPOCH {
            self.remove(id, turn);
            return Ok(());
        }
        member.epoch = STATIC_LEAVE_EPOCH;
        member.previous_epoch = JOIN_EPOCH;
        member.state = MemberState::Stable;
        member.revoking = Assignment::new();
        turn.timers.cancel(&self.revocation_timer(id));
        turn.changed(&self.id);
        Ok(())
    }

    /// A member was silent for its session, or kept for too long what it had to give back.
    pub fn fence(&mut self, id: &str, turn: &mut Turn) {
        self.remove(id, turn);
    }

    fn remove(&mut self, id: &str, turn: &mut Turn) {
        turn.timers.cancel(&self.session_timer(id));
        turn.timers.cancel(&self.revocation_timer(id));
        turn.timers.cancel(&self.rejoin_timer(id));
        let Some(member) = self.members.remove(id) else { return };
        self.target.remove(id);
        if let Some(instance) = member.identity.instance {
            self.instances.remove(&instance);
        }
        if self.members.is_empty() {
            self.empty_since_ms = turn.now.wall_ms;
        }
        self.bump();
        turn.changed(&self.id);
    }
}
