//! What a place holds, as a registry would see it.

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Handle;
use weir_registry_api::Subject;
use weir_registry_core::{LogEntry, State};

use super::http::Api;
use super::live;
use super::place::Place;
use super::progress::Progress;
use super::records::Source;

#[derive(Default)]
pub struct Contents {
    pub state: State,
    /// Whether the place is one that can tell them; if not, there may be some.
    pub knows_associations: bool,
}

/// How places are reached.
pub struct Reach {
    /// librdkafka's settings.
    pub kafka: BTreeMap<String, String>,
    pub ca_pem: Option<Vec<u8>>,
    /// Where requests run, for the thread that copies.
    pub runtime: Handle,
}

impl Reach {
    pub fn api(&self, place: &Place) -> Result<Option<Api>, String> {
        match place {
            Place::Live(url) => Api::new(url, self.ca_pem.as_deref()).map(Some),
            _ => Ok(None),
        }
    }
}

/// Reads all that there is at a place. What cannot be read or applied is passed over. `scopes`: also their
/// configurations and modes, which a running registry shows only to who asks for them.
pub fn read(
    place: &Place,
    reach: &Reach,
    scopes: &BTreeSet<Subject>,
    progress: &mut Progress,
) -> Result<Contents, String> {
    if let Some(api) = reach.api(place)? {
        return reach.runtime.block_on(async {
            api.check().await?;
            live::walk(&api, scopes, progress).await
        });
    }
    let mut state = State::default();
    let mut count: u64 = 0;
    Source::open(place, &reach.kafka)?.read(&mut |offset, record| {
        if let Err(why) = state.apply_entry(offset, LogEntry::read(&record)) {
            progress.pass_over(&format!("offset {offset}"), why);
        }
        count += 1;
        progress.say(|| format!("read {count} records"));
        Ok(())
    })?;
    Ok(Contents { state, knows_associations: true })
}
