//! How a member comes to what its target says: it gives back first, and gets a partition only when
//! nobody else has it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Assignment, ConsumerGroup, ConsumerMember, MemberState};

impl ConsumerGroup {
    /// Takes a member one step further. `owned` is what it says that it has, if it says so.
    pub(super) fn reconcile(&mut self, id: &str, owned: Option<&Assignment>) {
        let Some(member) = self.members.get(id) else { return };
        let is_there = member.state == MemberState::Stable && member.epoch == self.assignment_epoch;
        let has_to_revoke = member.state == MemberState::Unrevoked
            && owned.is_none_or(|owned| overlaps(owned, &member.revoking));
        if is_there || has_to_revoke {
            return;
        }
        let nothing = Assignment::new();
        let target = self.target.get(id).unwrap_or(&nothing);
        let held = self.held_by_others(id);
        let next = Step::compute(member, target, &held, owned);
        let epoch = self.assignment_epoch;
        if let Some(member) = self.members.get_mut(id) {
            next.take(member, epoch);
        }
    }

    /// Returns true if a partition of the member's target is free by now.
    pub(super) fn can_get_more(&self, member: &ConsumerMember) -> bool {
        let nothing = Assignment::new();
        let target = self.target.get(&member.identity.id).unwrap_or(&nothing);
        let held = self.held_by_others(&member.identity.id);
        let mut missing = partitions(target)
            .filter(|(topic, partition)| !contains(&member.assigned, *topic, *partition));
        missing.any(|partition| !held.contains(&partition))
    }

    /// Partitions that other members have or may still read.
    fn held_by_others(&self, id: &str) -> BTreeSet<(Uuid, i32)> {
        let others = self.members.values().filter(|member| member.identity.id != id);
        others
            .flat_map(|member| partitions(&member.assigned).chain(partitions(&member.revoking)))
            .collect()
    }
}

fn partitions(assignment: &Assignment) -> impl Iterator<Item = (Uuid, i32)> {
    assignment
        .iter()
        .flat_map(|(topic, partitions)| partitions.iter().map(|partition| (*topic, *partition)))
}

fn overlaps(one: &Assignment, other: &Assignment) -> bool {
    partitions(one).any(|(topic, partition)| contains(other, topic, partition))
}

fn contains(assignment: &Assignment, topic: Uuid, partition: i32) -> bool {
    assignment.get(&topic).is_some_and(|partitions| partitions.contains(&partition))
}

fn collect(partitions: impl Iterator<Item = (Uuid, i32)>) -> Assignment {
    let mut assignment = Assignment::new();
    for (topic, partition) in partitions {
        assignment.entry(topic).or_default().insert(partition);
    }
    assignment
}

/// What a member does next.
enum Step {
    /// It keeps a part and gives the rest back, in the epoch that it has.
    Revoke { kept: Assignment, revoked: Assignment },
    /// It has this in the epoch of the target.
    Have { assigned: Assignment, is_complete: bool },
}

impl Step {
    fn compute(
        member: &ConsumerMember,
        target: &Assignment,
        held: &BTreeSet<(Uuid, i32)>,
        owned: Option<&Assignment>,
    ) -> Step {
        let (kept, revoked): (Vec<_>, Vec<_>) = partitions(&member.assigned)
            .partition(|(topic, partition)| contains(target, *topic, *partition));
        let revoked = collect(revoked.into_iter());
        if !revoked.is_empty() && owned.is_none_or(|owned| overlaps(owned, &revoked)) {
            return Step::Revoke { kept: collect(kept.into_iter()), revoked };
        }
        let free = partitions(target).filter(|partition| !held.contains(partition));
        let assigned = collect(free);
        let is_complete = assigned == *target;
        Step::Have { assigned, is_complete }
    }

    fn take(self, member: &mut ConsumerMember, epoch: i32) {
        match self {
            Step::Revoke { kept, revoked } => {
                member.state = MemberState::Unrevoked;
                member.assigned = kept;
                member.revoking = revoked;
            }
            Step::Have { assigned, is_complete } => {
                member.state = match is_complete {
                    true => MemberState::Stable,
                    false => MemberState::Unreleased,
                };
                if member.epoch != epoch {
                    member.previous_epoch = member.epoch;
                    member.epoch = epoch;
                }
                member.assigned = assigned;
                member.revoking = Assignment::new();
            }
        }
    }
}

/// Returns true if everything of `part` is in `whole`.
pub(super) fn is_subset(part: &Assignment, whole: &Assignment) -> bool {
    partitions(part).all(|(topic, partition)| contains(whole, topic, partition))
}
