//! An instance's client comes and goes. There are fewer clients of Kafka than instances: one that nobody has asked
//! for lately gives its client up to one that is asked for.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use tokio::time::Instant;

use super::client::{Client, leave, start};
use super::partitions::{ASK_TIMEOUT, Positions, TopicPartition, list_of};
use super::state::{Change, Command, Effect, Source, State};
use super::task::Instance;
use super::turn::Held;
use crate::broker::ask;
use crate::clients::{Permit, Purpose};
use crate::error::ProxyError;
use weir_kafka::{Code, Fault};

/// How long requests that do not read wait for a client.
const WAKE_PATIENCE: Duration = Duration::from_secs(2);

/// A client is its instance's for so long at least: shorter, and none would join its group before the next
/// took its place.
const TENURE: Duration = Duration::from_secs(5);

/// How often an instance that joins its group is polled by a request that needs its partitions.
const JOIN_POLL: Duration = Duration::from_millis(20);

impl Instance {
    /// The client, if there is one.
    pub(super) fn client(&self) -> Option<Client> {
        self.core().client.clone()
    }

    pub(super) fn take_client(&self) -> Option<Client> {
        self.core().client.take()
    }

    /// The client, which reads what the instance reads; made if there is none and there is room for it in
    /// time. 42204 · 50301.
    pub(super) async fn wake(&self, held: &Held<'_>) -> Result<Client, ProxyError> {
        self.wake_until(held, Instant::now() + WAKE_PATIENCE).await
    }

    /// The client as of [`Instance::wake`], in the time that a read has.
    pub(super) async fn wake_until(
        &self,
        held: &Held<'_>,
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
        let effects = self.core().state().attach();
        self.make_client(held, permit, effects)
    }

    /// Makes a client that has these effects, if there is none and there is room for it now: what the instance reads
    /// changes. Without room the next read waits for it. 42204.
    pub(super) async fn wake_if_room(
        &self,
        held: &Held<'_>,
        effects: Vec<Effect>,
    ) -> Result<(), ProxyError> {
        let permit = match self.broker.clients.wait(Purpose::Instance, Instant::now()).await {
            Ok(permit) => permit,
            Err(ProxyError::TooManyClients { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.make_client(held, permit, effects).map(drop)
    }

    fn make_client(
        &self,
        _held: &Held<'_>,
        permit: Permit,
        effects: Vec<Effect>,
    ) -> Result<Client, ProxyError> {
        let client = start(&self.broker, &self.spec, permit)?;
        for effect in effects {
            self.perform(&client, effect)?;
        }
        self.core().client = Some(client.clone());
        Ok(client)
    }

    /// Returns true if it has had its client for long enough to give it up to another instance.
    pub(super) fn has_had_its_turn(&self) -> bool {
        self.client().is_some_and(|client| client.age() >= TENURE)
    }

    /// Gives the client up, unless somebody reads just now. A subscriber leaves its group, as in a
    /// rebalance, and goes on where it was if the group gives it the partition again and nobody else has
    /// committed more; one with partitions of its own goes on where it was. Returns true if there was a client.
    pub(super) fn rest(&self) -> bool {
        let Some(held) = self.turn.try_take() else { return false };
        !self.core().state().is_lent() && self.give_up_client(&held)
    }

    /// The next that needs a client makes another. Returns true if there was one.
    pub(super) fn give_up_client(&self, _held: &Held<'_>) -> bool {
        let mut core = self.core();
        let Some(client) = core.client.take() else { return false };
        if let Ok(decision) = core.state().decide(Command::GiveUpClient) {
            core.reading.apply(decision.change);
        }
        drop(core);
        leave(Some(client), None);
        true
    }

    /// Goes on at the positions that a subscriber had when it gave its client up, in the partitions that
    /// it has again; but not behind what others have committed meanwhile.
    pub(super) async fn return_to_kept(
        &self,
        held: &Held<'_>,
        client: &Client,
    ) -> Result<(), ProxyError> {
        if !self.core().state().has_kept() || !client.is_assigned() {
            return Ok(());
        }
        let assigned = client.assigned()?;
        let places = self.core().state().returning(&assigned);
        let committed = match places.is_empty() {
            true => Positions::default(),
            false => committed(client, &places).await?,
        };
        let decision = self.core().state().decide(Command::Return { assigned, committed })?;
        let moved = self.move_to(held, client, decision).await?;
        if moved.is_err() {
            // told once: then the instance goes on where its group has committed
            self.core().reading.apply(Change::Returned(Positions::default()));
        }
        Ok(moved?)
    }

    /// Joins the group again, for a request that needs the partitions which were read. 50003 the group
    /// does not give them.
    pub(super) async fn rejoin(&self, held: &Held<'_>) -> Result<(), ProxyError> {
        let is_away = |state: &State| state.has_kept() && *state.source() != Source::None;
        if !is_away(self.core().state()) {
            return Ok(());
        }
        let client = self.wake(held).await?;
        let deadline = Instant::now() + ASK_TIMEOUT;
        while !client.is_assigned() {
            if Instant::now() >= deadline {
                let reason = "The instance has not come back into its group in time";
                return Err(Fault::new(Code::TimedOut, reason).into());
            }
            self.fetch(held, 1);
            tokio::time::sleep(JOIN_POLL).await;
        }
        self.return_to_kept(held, &client).await
    }
}

/// What the group has committed of these partitions.
async fn committed(client: &Client, places: &[TopicPartition]) -> Result<Positions, ProxyError> {
    let (asked, list) = (client.clone(), list_of(places));
    let found = ask(move || asked.committed_offsets(list, ASK_TIMEOUT)).await?;
    let elements = found.elements();
    let committed = elements.iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => {
            Some((TopicPartition::from((element.topic().to_string(), element.partition())), offset))
        }
        _ => None,
    });
    Ok(committed.collect())
}
