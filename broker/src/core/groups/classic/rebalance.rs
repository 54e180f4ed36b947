//! How a classic group goes from one generation to the next.

use kafka_protocol::error::ResponseError;

use super::join::JoinRefused;
use super::{ClassicGroup, ClassicState, InitialDelay};
use crate::core::groups::timers::Timer;
use crate::core::groups::turn::Turn;

impl ClassicGroup {
    fn join_timer(&self) -> Timer {
        Timer::Join { group: self.id.clone() }
    }

    fn sync_timer(&self) -> Timer {
        Timer::Sync { group: self.id.clone() }
    }

    fn enter(&mut self, state: ClassicState, turn: &Turn) {
        self.state = state;
        self.state_since_ms = turn.now.wall_ms;
    }

    /// Starts a rebalance, or ends the one that is under way if nobody is missing.
    pub(super) fn rebalance_or_complete_join(&mut self, turn: &mut Turn) {
        match self.state {
            ClassicState::PreparingRebalance if self.initial_delay.is_some() => {}
            ClassicState::PreparingRebalance => self.complete_join_if_all_are_there(turn),
            _ => self.prepare(turn),
        }
    }

    /// Lets the others share what members that were removed have had.
    pub(super) fn rebalance_without_removed(&mut self, turn: &mut Turn) {
        match self.state {
            ClassicState::Empty => {}
            ClassicState::PreparingRebalance => self.complete_join_if_all_are_there(turn),
            ClassicState::CompletingRebalance | ClassicState::Stable => self.prepare(turn),
        }
    }

    /// Every member has to join anew.
    pub fn rebalance(&mut self, turn: &mut Turn) {
        self.prepare(turn);
    }

    /// Members that wait for an answer are told to come again, since the group changes its protocol.
    pub fn refuse_everybody(&mut self, turn: &mut Turn) {
        self.refuse_syncs(turn);
        for member in self.members.values_mut() {
            if let Some(waiting) = member.joining.take() {
                let error = ResponseError::RebalanceInProgress;
                let refused = JoinRefused { error, member_id: member.id.clone() };
                turn.answer(waiting, refused.response(waiting.version));
            }
        }
    }

    fn prepare(&mut self, turn: &mut Turn) {
        if self.state == ClassicState::CompletingRebalance {
            self.refuse_syncs(turn);
        }
        turn.timers.cancel(&self.sync_timer());
        self.pending_syncs.clear();
        let is_initial = self.state == ClassicState::Empty;
        self.enter(ClassicState::PreparingRebalance, turn);
        let step = turn.settings.initial_delay;
        if is_initial {
            if step.is_zero() {
                return self.complete_join(turn);
            }
            let remaining = self.rebalance_timeout().saturating_sub(step);
            self.initial_delay = Some(InitialDelay { step, remaining, has_new_member: false });
            turn.set(self.join_timer(), step);
            return;
        }
        turn.set(self.join_timer(), self.rebalance_timeout());
        self.complete_join_if_all_are_there(turn);
    }

    /// Members that wait for an assignment have to join anew.
    fn refuse_syncs(&mut self, turn: &mut Turn) {
        for member in self.members.values_mut() {
            if let Some(waiting) = member.syncing.take() {
                turn.answer(waiting, super::sync::refused(ResponseError::RebalanceInProgress));
            }
            member.assignment = Default::default();
        }
    }

    pub(super) fn complete_join_if_all_are_there(&mut self, turn: &mut Turn) {
        let is_waiting = self.state == ClassicState::PreparingRebalance;
        let all_are_there = self.pending_joins.is_empty()
            && self.members.values().all(|member| member.joining.is_some());
        if is_waiting && all_are_there && self.initial_delay.is_none() {
            self.complete_join(turn);
        }
    }

    /// The time to join is over.
    pub fn join_is_over(&mut self, turn: &mut Turn) {
        if self.state != ClassicState::PreparingRebalance {
            return;
        }
        if let Some(delay) = self.initial_delay.take()
            && delay.has_new_member
            && !delay.remaining.is_zero()
        {
            let step = turn.settings.initial_delay.min(delay.remaining);
            let remaining = delay.remaining.saturating_sub(delay.step);
            self.initial_delay = Some(InitialDelay { step, remaining, has_new_member: false });
            turn.set(self.join_timer(), step);
            return;
        }
        self.complete_join(turn);
    }

    /// Begins the next generation with those who have joined.
    fn complete_join(&mut self, turn: &mut Turn) {
        turn.timers.cancel(&self.join_timer());
        let late: Vec<String> = self
            .members
            .values()
            .filter(|member| member.joining.is_none() && member.instance.is_none())
            .map(|member| member.id.clone())
            .collect();
        for id in late {
            self.remove(&id, turn);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only static members that have not come back are left: they keep their places.
            turn.set(self.join_timer(), self.rebalance_timeout());
            return;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            self.protocol = None;
            self.leader = None;
            self.enter(ClassicState::Empty, turn);
            turn.changed(&self.id);
            return;
        }
        self.protocol = self.select_protocol();
        self.enter(ClassicState::CompletingRebalance, turn);
        self.answer_joined(turn);
    }

    /// Returns true if the leader has joined or another member that has joined leads now.
    fn elect_joined_leader(&mut self) -> bool {
        let has_joined =
            |id: &String| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_some_and(has_joined) {
            return true;
        }
        let next = self.members.values().find(|member| member.joining.is_some());
        match next.map(|member| member.id.clone()) {
            Some(next) => {
                self.leader = Some(next);
                true
            }
            None => false,
        }
    }

    fn answer_joined(&mut self, turn: &mut Turn) {
        self.pending_syncs = self.members.keys().cloned().collect();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let members = self.members_for(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.is_new = false;
            let (waiting, session) = (member.joining.take(), member.session_timeout);
            turn.set(self.session_timer(&id), session);
            if let Some(waiting) = waiting {
                turn.answer(waiting, self.joined(&id, waiting.version).with_members(members));
            }
        }
        turn.set(self.sync_timer(), self.rebalance_timeout());
    }

    /// A member has asked for its assignment.
    pub(super) fn has_synced(&mut self, id: &str, turn: &mut Turn) {
        self.pending_syncs.remove(id);
        if self.pending_syncs.is_empty() {
            turn.timers.cancel(&self.sync_timer());
        }
    }

    /// The time to ask for an assignment is over: who has not asked is no member any more.
    pub fn sync_is_over(&mut self, turn: &mut Turn) {
        let is_due = matches!(self.state, ClassicState::CompletingRebalance | ClassicState::Stable);
        let late = std::mem::take(&mut self.pending_syncs);
        if !is_due || late.is_empty() {
            return;
        }
        for id in late {
            self.remove(&id, turn);
        }
        self.prepare(turn);
    }

    /// A member, or somebody who was told an id, was silent for too long.
    pub fn session_is_over(&mut self, id: &str, turn: &mut Turn) {
        if self.pending_joins.remove(id) {
            self.complete_join_if_all_are_there(turn);
            return;
        }
        let is_excused = self.members.get(id).is_some_and(super::ClassicMember::is_excused);
        if !is_excused && self.members.contains_key(id) {
            self.remove(id, turn);
            self.rebalance_without_removed(turn);
        }
    }

    /// Takes a member out; the caller rebalances. A request of it that waits is answered.
    pub(super) fn remove(&mut self, id: &str, turn: &mut Turn) {
        self.pending_joins.remove(id);
        self.pending_syncs.remove(id);
        turn.timers.cancel(&self.session_timer(id));
        let Some(member) = self.members.remove(id) else { return };
        let error = ResponseError::UnknownMemberId;
        if let Some(waiting) = member.joining {
            let refused = JoinRefused { error, member_id: String::new() };
            turn.answer(waiting, refused.response(waiting.version));
        }
        if let Some(waiting) = member.syncing {
            turn.answer(waiting, super::sync::refused(error));
        }
        if let Some(instance) = member.instance {
            self.instances.remove(&instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }
}
