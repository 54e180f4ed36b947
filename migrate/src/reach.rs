//! How places are reached, and read whatever they are.

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Handle;
use weir_registry_api::Subject;
use weir_registry_core::{LogEntry, State};

use crate::api::Api;
use crate::contents::Contents;
use crate::error::MigrateError;
use crate::live;
use crate::place::Place;
use crate::progress::Progress;
use crate::records::Source;

/// What is needed to reach places.
pub struct Reach {
    /// librdkafka's settings.
    pub kafka: BTreeMap<String, String>,
    /// Certificates in PEM that https is trusted by, instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Where requests run, for the thread that copies.
    pub runtime: Handle,
}

impl Reach {
    /// A client of the registry at a URL.
    pub fn api(&self, url: &reqwest::Url) -> Result<Api, MigrateError> {
        Api::new(url, self.ca_pem.as_deref())
    }

    /// Reads all that there is at a place. What cannot be read or applied is passed over. `scopes` are asked
    /// for their configurations and modes too, which a running registry shows only to who asks for them.
    pub fn read(
        &self,
        place: &Place,
        scopes: &BTreeSet<Subject>,
        progress: &mut Progress,
    ) -> Result<Contents, MigrateError> {
        let store = match place {
            Place::Registry(url) => {
                let api = self.api(url)?;
                return self.runtime.block_on(async {
                    api.check().await?;
                    live::walk(&api, scopes, progress).await
                });
            }
            Place::Records(store) => store,
        };
        let mut state = State::default();
        let mut count: u64 = 0;
        Source::open(store, &self.kafka)?.read(&mut |offset, record| {
            if let Err(why) = state.apply_entry(offset, LogEntry::read(&record)) {
                progress.pass_over(&format!("offset {offset}"), why);
            }
            count += 1;
            progress.say(|| format!("read {count} records"));
            Ok(())
        })?;
        Ok(Contents { state, knows_associations: true })
    }
}
