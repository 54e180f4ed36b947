//! DeleteGroups.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Group, Groups};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Entry, Handled, Key, Now};

impl Core {
    pub(crate) fn delete_groups(
        &mut self,
        call: &Call,
        request: DeleteGroupsRequest,
    ) -> Handled<DeleteGroupsResponse> {
        let mut results = Vec::new();
        for group in request.groups_names {
            let deleted = match self.may(call, Operation::Delete, Resource::Group(&group)) {
                true => self.delete_group(&group, call.now),
                false => Err(ResponseError::GroupAuthorizationFailed),
            };
            results.push(
                DeletableGroupResult::default()
                    .with_group_id(group)
                    .with_error_code(deleted.err().map_or(0, |error| error.code())),
            );
        }
        Handled::Now(DeleteGroupsResponse::default().with_results(results))
    }

    fn delete_group(&mut self, id: &str, now: Now) -> Result<(), ResponseError> {
        match self.groups.groups.get(id) {
            None => return Err(ResponseError::GroupIdNotFound),
            Some(group) if !group.is_empty() => return Err(ResponseError::NonEmptyGroup),
            Some(_) => {}
        }
        let entries = self.groups.offsets.entries_without_group(id).map(|mut entries| {
            entries.push(Entry { key: Key::Group(id.to_owned()), value: None });
            entries
        });
        let deleted = entries.and_then(|entries| {
            self.journal.write(entries.clone(), now)?;
            self.groups.offsets.apply(entries)
        });
        deleted.map_err(|error| {
            tracing::error!(%error, "the group {id} cannot be deleted");
            ResponseError::CoordinatorNotAvailable
        })?;
        self.groups.remove(id);
        Ok(())
    }
}

impl Group {
    /// Returns true if there are no members.
    pub fn is_empty(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_empty(),
            Group::Consumer(group) => group.members.is_empty(),
        }
    }
}

impl Groups {
    /// Forgets a group and what it waited for.
    fn remove(&mut self, id: &str) {
        self.groups.remove(id);
        self.changed.remove(id);
        self.timers.forget(id);
    }

    /// The topics whose offsets must stay, because members of the group read them.
    pub(super) fn topics_in_use(&self, id: &str) -> Result<BTreeSet<String>, ResponseError> {
        match self.groups.get(id) {
            None => Err(ResponseError::GroupIdNotFound),
            Some(Group::Classic(group)) if group.is_empty() => Ok(BTreeSet::new()),
            Some(Group::Classic(group)) => match group.protocol_type.as_deref() {
                Some("consumer") => Ok(group.subscribed_topics()),
                _ => Err(ResponseError::NonEmptyGroup),
            },
            Some(Group::Consumer(group)) => Ok(group.subscribed_topics()),
        }
    }

    /// Checks who asks for offsets: members of the consumer protocol say who they are.
    pub(super) fn validate_fetch(
        &self,
        id: &str,
        member: Option<&str>,
        epoch: i32,
    ) -> Result<(), ResponseError> {
        match self.groups.get(id) {
            None | Some(Group::Classic(_)) => Ok(()),
            Some(Group::Consumer(_)) if member.is_none() && epoch < 0 => Ok(()),
            Some(Group::Consumer(group)) => group.validate_offsets(member.unwrap_or(""), epoch),
        }
    }
}
