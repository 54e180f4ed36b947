//! ConsumerGroupHeartbeat, of a member that comes or stays.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;

use super::reconcile::is_subset;
use super::{
    Assignment, ClassicSide, ConsumerGroup, ConsumerMember, JOIN_EPOCH, MemberState,
    STATIC_LEAVE_EPOCH, TopicShape, compile,
};
use crate::core::groups::timers::Timer;
use crate::core::groups::turn::Turn;
use crate::core::refusal::Refusal;

/// What tells one member from another.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(in crate::core::groups) struct Identity {
    pub id: String,
    /// As `group.instance.id`.
    pub instance: Option<String>,
    pub rack: Option<String>,
    pub client_id: String,
    pub client_host: String,
}

/// What a member tells with a heartbeat. `None` says that nothing has changed.
#[derive(Debug)]
pub(in crate::core::groups) struct Beat {
    pub identity: Identity,
    pub epoch: i32,
    pub rebalance_timeout_ms: Option<i32>,
    pub topics: Option<BTreeSet<String>>,
    pub regex: Option<String>,
    pub assignor: Option<String>,
    pub owned: Option<Assignment>,
    /// A member that joins by the classic protocol has this.
    pub classic: Option<ClassicSide>,
}

impl Beat {
    /// Returns true if the member tells everything, and wants to be told everything.
    fn is_full(&self) -> bool {
        let has_subscription = self.topics.is_some() || self.regex.is_some();
        self.epoch == JOIN_EPOCH
            || self.rebalance_timeout_ms.is_some() && has_subscription && self.owned.is_some()
    }
}

/// What a member is told.
#[derive(Debug)]
pub(in crate::core::groups) struct Told {
    pub epoch: i32,
    /// `None` if it has what it had.
    pub assigned: Option<Assignment>,
}

impl ConsumerGroup {
    /// Finds the member or makes it, and takes over what it tells of itself.
    ///
    /// The target is computed anew by [`ConsumerGroup::proceed`].
    pub fn subscribe(&mut self, beat: &Beat, turn: &mut Turn) -> Result<(), Refusal> {
        self.find(beat, turn)?;
        let Some(member) = self.members.get_mut(&beat.identity.id) else {
            return Err(Refusal::unknown_member(&self.id, &beat.identity.id));
        };
        let before = member.clone();
        let instance = member.identity.instance.clone();
        let rack = beat.identity.rack.clone().or_else(|| member.identity.rack.clone());
        member.identity = Identity { instance, rack, ..beat.identity.clone() };
        if let Some(timeout) = beat.rebalance_timeout_ms {
            member.rebalance_timeout_ms = timeout;
        }
        if let Some(topics) = &beat.topics {
            member.topics = topics.clone();
        }
        if let Some(regex) = &beat.regex {
            member.regex = Some(regex.clone()).filter(|regex| !regex.is_empty());
        }
        if let Some(assignor) = &beat.assignor {
            member.assignor = Some(assignor.clone());
        }
        member.classic = beat.classic.clone();
        let has_other_subscription = before.topics != member.topics || before.regex != member.regex;
        if before != *member || beat.epoch == JOIN_EPOCH {
            turn.changed(&self.id);
        }
        if has_other_subscription {
            self.bump();
        }
        Ok(())
    }

    fn find(&mut self, beat: &Beat, turn: &mut Turn) -> Result<(), Refusal> {
        let id = &beat.identity.id;
        let is_joining = beat.epoch == JOIN_EPOCH;
        if let Some(instance) = &beat.identity.instance {
            let current = self.instances.get(instance).cloned();
            return match current {
                Some(current) if current == *id && beat.classic.is_some() => Ok(()),
                Some(current) if is_joining => self.replace(&current, instance, beat, turn),
                Some(current) if current != *id => {
                    Err(Refusal::fenced_instance(id, instance, &current))
                }
                Some(_) => self.check_epoch(beat),
                None if is_joining => self.add(beat, turn),
                None => Err(Refusal::unknown_instance(instance)),
            };
        }
        match self.members.contains_key(id) {
            true if is_joining => Ok(()),
            true => self.check_epoch(beat),
            false if is_joining => self.add(beat, turn),
            false => Err(Refusal::unknown_member(&self.id, id)),
        }
    }

    fn add(&mut self, beat: &Beat, turn: &mut Turn) -> Result<(), Refusal> {
        let max = turn.settings.max_members;
        if self.members.len() >= max {
            let message =
                format!("The consumer group has reached its maximum capacity of {max} members.");
            return Err(Refusal::new(ResponseError::GroupMaxSizeReached, message));
        }
        let identity = beat.identity.clone();
        if let Some(instance) = &identity.instance {
            self.instances.insert(instance.clone(), identity.id.clone());
        }
        let member = ConsumerMember {
            identity,
            rebalance_timeout_ms: -1,
            assignor: None,
            topics: BTreeSet::new(),
            regex: None,
            epoch: JOIN_EPOCH,
            previous_epoch: JOIN_EPOCH,
            state: MemberState::Stable,
            assigned: Assignment::new(),
            revoking: Assignment::new(),
            classic: beat.classic.clone(),
        };
        self.members.insert(beat.identity.id.clone(), member);
        Ok(())
    }

    /// A static member that has left comes back, maybe with another id, and takes its place.
    fn replace(
        &mut self,
        current: &str,
        instance: &str,
        beat: &Beat,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let id = &beat.identity.id;
        let has_left = self.members.get(current).is_some_and(|own| own.epoch == STATIC_LEAVE_EPOCH);
        if !has_left && beat.classic.is_none() {
            let message = format!(
                "Static member {id} with instance id {instance} cannot join the group because the \
                 instance id is owned by {current} member."
            );
            return Err(Refusal::new(ResponseError::UnreleasedInstanceId, message));
        }
        let Some(mut member) = self.members.remove(current) else { return Ok(()) };
        turn.timers.cancel(&self.session_timer(current));
        turn.timers.cancel(&self.revocation_timer(current));
        turn.timers.cancel(&self.rejoin_timer(current));
        member.epoch = JOIN_EPOCH;
        member.previous_epoch = JOIN_EPOCH;
        member.identity.id = id.clone();
        if let Some(target) = self.target.remove(current) {
            self.target.insert(id.clone(), target);
        }
        self.instances.insert(instance.to_owned(), id.clone());
        self.members.insert(id.clone(), member);
        turn.changed(&self.id);
        Ok(())
    }

    /// A member is fenced unless it has the epoch that it was told, or missed the last answer.
    fn check_epoch(&self, beat: &Beat) -> Result<(), Refusal> {
        let Some(member) = self.members.get(&beat.identity.id) else {
            return Err(Refusal::unknown_member(&self.id, &beat.identity.id));
        };
        let (told, known) = (beat.epoch, member.epoch);
        let has_missed_answer = told == member.previous_epoch
            && beat.owned.as_ref().is_some_and(|owned| is_subset(owned, &member.assigned));
        if told == known || told < known && has_missed_answer {
            return Ok(());
        }
        let relation = if told > known { "greater" } else { "smaller" };
        let message = format!(
            "The consumer group member has a {relation} member epoch ({told}) than the one known by \
             the group coordinator ({known}). The member must abandon all its partitions and rejoin."
        );
        Err(Refusal::new(ResponseError::FencedMemberEpoch, message))
    }

    /// Assigns anew if members or topics have changed, and takes the member a step further.
    pub fn proceed(
        &mut self,
        beat: &Beat,
        topics: BTreeMap<String, TopicShape>,
        turn: &mut Turn,
    ) -> Told {
        if topics != self.topics {
            self.topics = topics;
            if self.epoch == self.assignment_epoch {
                self.bump();
            }
        }
        if self.epoch > self.assignment_epoch {
            self.assign();
            turn.changed(&self.id);
        }
        let id = &beat.identity.id;
        let before = self.members.get(id).cloned();
        self.reconcile(id, beat.owned.as_ref());
        if let Some(member) = self.members.get(id) {
            self.keep_alive(member, turn);
        }
        let after = self.members.get(id);
        if before.as_ref() != after {
            turn.changed(&self.id);
            self.time_revocation(id, turn);
        }
        let after = self.members.get(id);
        let assigned = after.map(|member| member.assigned.clone()).unwrap_or_default();
        let has_changed = before.is_some_and(|before| before.assigned != assigned);
        Told {
            epoch: after.map_or(JOIN_EPOCH, |member| member.epoch),
            assigned: (beat.is_full() || has_changed).then_some(assigned),
        }
    }

    /// Matches the expressions of members with the names of topics.
    pub fn match_topics<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone) {
        let regexes = self.regexes();
        self.matched = regexes
            .into_iter()
            .map(|regex| {
                let compiled = compile(&regex).ok();
                let is_match = |name: &&str| {
                    compiled.as_ref().is_some_and(|compiled| compiled.is_match(name.as_bytes()))
                };
                let matched = names.clone().filter(is_match).map(str::to_owned).collect();
                (regex, matched)
            })
            .collect();
    }

    pub(super) fn bump(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    /// A member that has to give partitions back has the time for it that it wanted.
    fn time_revocation(&self, id: &str, turn: &mut Turn) {
        let timer = self.revocation_timer(id);
        match self.members.get(id) {
            Some(member) if member.state == MemberState::Unrevoked => {
                let millis = u64::try_from(member.rebalance_timeout_ms).unwrap_or(0);
                turn.set(timer, std::time::Duration::from_millis(millis));
            }
            _ => turn.timers.cancel(&timer),
        }
    }

    pub(super) fn session_timer(&self, member: &str) -> Timer {
        Timer::Session { group: self.id.clone(), member: member.to_owned() }
    }

    pub(super) fn revocation_timer(&self, member: &str) -> Timer {
        Timer::Revocation { group: self.id.clone(), member: member.to_owned() }
    }
}
