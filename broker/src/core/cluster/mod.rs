//! The cluster of one node: who is in it, where its records are, and what is never moved.

mod describe;
mod log_dirs;
mod quorum;
mod reassign;

use std::io;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Core, Entry, Key, Now};

impl Core {
    /// The cluster's id as Kafka writes ids.
    pub(crate) fn cluster_id_text(&self) -> StrBytes {
        StrBytes::from_string(URL_SAFE_NO_PAD.encode(self.cluster_id.as_bytes()))
    }

    /// Takes over an entry of the journal.
    pub(super) fn load_cluster_id(&mut self, value: Option<serde_json::Value>) -> io::Result<()> {
        let text: Option<String> = value.map(serde_json::from_value).transpose()?;
        let id = text.and_then(|text| Uuid::parse_str(&text).ok());
        if let Some(id) = id {
            self.cluster_id = id;
            self.is_cluster_id_kept = true;
        }
        Ok(())
    }

    /// Has the journal remember the id of a new cluster, when its first request comes.
    pub(super) fn keep_cluster_id(&mut self, now: Now) {
        if self.is_cluster_id_kept {
            return;
        }
        self.is_cluster_id_kept = true;
        let value = Some(self.cluster_id.to_string().into());
        if let Err(error) = self.journal.write(vec![Entry { key: Key::ClusterId, value }], now) {
            tracing::warn!(%error, "the id of the cluster cannot be written: it changes with a restart");
        }
    }
}
