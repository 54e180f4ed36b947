//! An instance's client comes and goes. There are fewer clients of Kafka than instances: one that nobody has asked
//! for lately gives its client up to one that is asked for.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::client::{Client, leave, start};
use super::instance::{ASK_TIMEOUT, Instance, fetch};
use super::reading::{Reading, Source};
use super::seek::{Position, seek};
use crate::broker::{Offsets, ask};
use crate::clients::Purpose;
use crate::error::ProxyError;
use weir_kafka::{Code, Fault};

/// How long requests that do not read wait for a client.
const WAKE_PATIENCE: Duration = Duration::from_secs(2);

/// A client is its instance's for so long at least: shorter, and none would join its group before the next
/// took its place.
const TENURE: Duration = Duration::from_secs(5);

/// How long an instance was not asked for that gives its client up to another.
const IDLE_MIN: Duration = Duration::from_secs(1);

/// How often an instance that joins its group is polled by a request that needs its partitions.
const JOIN_POLL: Duration = Duration::from_millis(20);

impl Instance {
    /// The client, if there is one.
    pub(super) fn client(&self) -> Option<Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn take_client(&self) -> Option<Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The client, which reads what the instance reads; made if there is none and there is room for it in
    /// time. 42204 · 50301.
    pub(super) async fn wake(&self, reading: &mut Reading) -> Result<Client, ProxyError> {
        self.wake_until(reading, Instant::now() + WAKE_PATIENCE).await
    }

    /// As [`Instance::wake`], in the time that a read has.
    pub(super) async fn wake_until(
        &self,
        reading: &mut Reading,
        until: Instant,
    ) -> Result<Client, ProxyError> {
        if let Some(client) = self.client() {
            return Ok(client);
        }
        let clients = &self.broker.clients;
        let permit = clients.wait(Purpose::Instance, until).await.inspect_err(|error| {
            if matches!(error, ProxyError::TooManyClients { .. }) {
                clients.count_refused();
            }
        })?;
        let client = start(&self.broker, &self.spec, reading, permit)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    /// Makes the client if there is room for it now: what it is to read has changed. Without room the next
    /// read waits for it. 42204.
    pub(super) async fn wake_if_room(&self, reading: &mut Reading) -> Result<(), ProxyError> {
        if self.client().is_some() {
            return Ok(());
        }
        let permit = match self.broker.clients.wait(Purpose::Instance, Instant::now()).await {
            Ok(permit) => permit,
            Err(ProxyError::TooManyClients { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let client = start(&self.broker, &self.spec, reading, permit)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
        Ok(())
    }

    /// Returns true if it may give its client up to another instance.
    pub(crate) fn can_rest(&self) -> bool {
        self.client().is_some_and(|client| client.age() >= TENURE) && self.idle() >= IDLE_MIN
    }

    /// Gives the client up, unless somebody reads just now. A subscriber leaves its group, as in a
    /// rebalance, and goes on where it was if the group gives it the partition again and nobody else has
    /// committed more; one with partitions of its own goes on where it was.
    pub(crate) fn rest(&self) -> bool {
        let Ok(mut reading) = self.reading.try_lock() else { return false };
        self.give_up_client(&mut reading)
    }

    /// The next that needs a client makes another.
    pub(super) fn give_up_client(&self, reading: &mut Reading) -> bool {
        let Some(client) = self.take_client() else { return false };
        reading.drop_pending();
        if reading.source.is_shared() {
            let read = std::mem::take(&mut reading.positions);
            // with auto commit they are committed as it leaves
            if !self.spec.auto_commit {
                reading.kept.extend(read);
            }
        }
        leave(Some(client), None);
        true
    }

    /// Goes on at the positions that a subscriber had when it gave its client up, in the partitions that
    /// it has again; but not behind what others have committed meanwhile.
    pub(super) async fn return_to_kept(
        &self,
        client: &Client,
        reading: &mut Reading,
    ) -> Result<(), ProxyError> {
        if reading.kept.is_empty() || !client.context().is_assigned() {
            return Ok(());
        }
        let mut kept = std::mem::take(&mut reading.kept);
        let assigned: Vec<_> = super::client::names(&client.assignment()?).collect();
        kept.retain(|place, _| assigned.contains(place));
        if kept.is_empty() {
            return Ok(());
        }
        let committed = match committed(client, &kept).await {
            Ok(committed) => committed,
            Err(error) => {
                reading.kept = kept;
                return Err(error);
            }
        };
        kept.retain(|place, offset| committed.get(place).is_none_or(|there| *there <= *offset));
        let positions: Vec<_> = kept
            .iter()
            .map(|((topic, partition), offset)| {
                (topic.clone(), *partition, Position::Offset(*offset))
            })
            .collect();
        if !positions.is_empty() {
            let (asked, others) = (client.clone(), reading.positions.clone());
            ask(move || seek(&asked, &positions, &others)).await?;
        }
        for (place, offset) in kept {
            reading.forget(&place.0, place.1);
            reading.positions.insert(place, offset);
        }
        Ok(())
    }

    /// Joins the group again, for a request that needs the partitions which were read. 50003 the group
    /// does not give them.
    pub(super) async fn rejoin(&self, reading: &mut Reading) -> Result<(), ProxyError> {
        if reading.kept.is_empty() || reading.source == Source::None {
            return Ok(());
        }
        let client = self.wake(reading).await?;
        let deadline = Instant::now() + ASK_TIMEOUT;
        while !client.context().is_assigned() {
            if Instant::now() >= deadline {
                let reason = "The instance has not come back into its group in time";
                return Err(Fault::new(Code::TimedOut, reason).into());
            }
            fetch(&client, reading, 1);
            tokio::time::sleep(JOIN_POLL).await;
        }
        self.return_to_kept(&client, reading).await
    }
}

/// What the group has committed of these partitions.
async fn committed(client: &Client, places: &Offsets) -> Result<Offsets, ProxyError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places.keys() {
        list.add_partition(topic, *partition);
    }
    let asked = client.clone();
    let found = ask(move || asked.committed_offsets(list, ASK_TIMEOUT)).await?;
    let mut committed = HashMap::new();
    for element in found.elements() {
        if let Offset::Offset(offset) = element.offset() {
            committed.insert((element.topic().to_string(), element.partition()), offset);
        }
    }
    Ok(committed)
}
