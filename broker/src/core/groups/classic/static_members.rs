//! Static members: a process that comes back under its `group.instance.id` takes the place that it had.

use kafka_protocol::error::ResponseError;

use super::join::{JoinRefused, Joining};
use super::{ClassicGroup, ClassicState};
use crate::core::groups::turn::Turn;

impl ClassicGroup {
    /// Gives the place of the member `old` to a process that has just come with the same instance.
    pub(super) fn replace_static(
        &mut self,
        old: &str,
        id: String,
        joining: Joining,
        turn: &mut Turn,
    ) {
        let leader_before = self.leader.clone();
        let Some(mut member) = self.members.remove(old) else { return };
        turn.timers.cancel(&self.session_timer(old));
        self.pending_syncs.remove(old);
        if let Some(waiting) = member.joining.take() {
            let refused =
                JoinRefused { error: ResponseError::FencedInstanceId, member_id: old.to_owned() };
            turn.answer(waiting, refused.response(waiting.version));
        }
        if let Some(waiting) = member.syncing.take() {
            turn.answer(waiting, super::sync::refused(ResponseError::FencedInstanceId));
        }
        if self.is_leader(old) {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &member.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        member.id = id.clone();
        member.protocols = joining.protocols.clone();
        member.session_timeout = joining.session_timeout;
        member.rebalance_timeout = joining.rebalance_timeout;
        member.client_id = joining.client_id.clone();
        member.client_host = joining.client_host.clone();
        member.is_new = false;
        turn.set(self.session_timer(&id), member.session_timeout);
        self.members.insert(id.clone(), member);
        self.after_replacement(&id, leader_before, joining, turn);
    }

    fn after_replacement(
        &mut self,
        id: &str,
        leader_before: Option<String>,
        joining: Joining,
        turn: &mut Turn,
    ) {
        let keeps_protocol = self.select_protocol() == self.protocol;
        if self.state == ClassicState::Stable && keeps_protocol {
            self.answer_returned(id, leader_before, &joining, turn);
            turn.changed(&self.id);
            return;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.joining = Some(joining.waiting);
        }
        self.rebalance_or_complete_join(turn);
    }
}
