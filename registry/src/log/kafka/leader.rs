//! The leader's announcement: the node that wrote the last one leads. It is in the headers of a `NOOP` record, where
//! other registries do not look.

use weir_registry_api::{Context, SchemaId};
use weir_registry_core::State;

use super::producer::{Header, Identity};

const URL: &str = "weir.leader";
const TOKEN: &str = "weir.token";
const PRODUCER: &str = "weir.producer";
const MAX_IDS: &str = "weir.max-ids";

/// Contexts whose highest id is announced.
const CONTEXTS_MAX: usize = 1000;

/// An announcement as it was read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The offset of its announcement: of two leaders, the later has the higher.
    pub(crate) epoch: u64,
    /// Where the other nodes reach the leader.
    pub(crate) url: String,
    /// What only those know who read the log: a request that carries it comes from a node.
    pub(crate) token: String,
    pub(crate) producer: Option<Identity>,
    /// The highest id that each context has given: its schema may be gone, and compacted away.
    pub(crate) max_ids: Vec<(Context, SchemaId)>,
}

impl Announced {
    /// Reads the headers of a record, if they announce a leader.
    pub(crate) fn read<'a>(
        offset: u64,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Option<Announced> {
        let (mut url, mut token, mut producer, mut max_ids) = (None, None, None, Vec::new());
        for (name, value) in headers {
            let text = std::str::from_utf8(value).ok().map(str::to_string);
            match name {
                URL => url = text,
                TOKEN => token = text,
                MAX_IDS => max_ids = text.iter().flat_map(|text| ids(text)).collect(),
                PRODUCER => producer = text.as_deref().and_then(identity),
                _ => {}
            }
        }
        Some(Announced { epoch: offset, url: url?, token: token?, producer, max_ids })
    }

    /// Sees to it that the state gives no id again that the announcement knows of.
    pub(crate) fn teach(&self, state: &mut State) {
        self.max_ids.iter().for_each(|(context, id)| state.raise_max_id(context, *id));
    }
}

/// An announcement that is to be written.
pub(crate) struct Announcement {
    url: String,
    token: String,
    producer: String,
    max_ids: String,
}

impl Announcement {
    pub(crate) fn new(url: &str, token: &str, identity: Identity, state: &State) -> Announcement {
        let max_ids = state.max_ids().take(CONTEXTS_MAX);
        let max_ids: Vec<_> = max_ids.map(|(context, id)| format!("{context}={id}")).collect();
        Announcement {
            url: url.to_string(),
            token: token.to_string(),
            producer: format!("{}/{}", identity.producer_id, identity.epoch),
            max_ids: max_ids.join(","),
        }
    }

    pub(crate) fn headers(&self) -> [Header<'_>; 4] {
        [
            (URL, &self.url),
            (TOKEN, &self.token),
            (PRODUCER, &self.producer),
            (MAX_IDS, &self.max_ids),
        ]
    }
}

fn ids(text: &str) -> impl Iterator<Item = (Context, SchemaId)> {
    text.split(',').filter_map(|entry| {
        let (context, id) = entry.rsplit_once('=')?;
        Some((Context::new(context).ok()?, SchemaId(id.parse().ok()?)))
    })
}

fn identity(text: &str) -> Option<Identity> {
    let (id, epoch) = text.split_once('/')?;
    Some(Identity { producer_id: id.parse().ok()?, epoch: epoch.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_read() {
        let identity = Identity { producer_id: 7, epoch: 3 };
        let mut state = State::default();
        let max_ids =
            vec![(Context::default(), SchemaId(7)), (Context::new(".eu").unwrap(), SchemaId(2))];
        max_ids.iter().for_each(|(context, id)| state.raise_max_id(context, *id));
        let announcement = Announcement::new("http://a:1", "secret", identity, &state);
        let headers = announcement.headers();
        let read = Announced::read(5, headers.iter().map(|(n, v)| (*n, v.as_bytes()))).unwrap();
        assert_eq!(
            (read.epoch, read.url.as_str(), read.token.as_str()),
            (5, "http://a:1", "secret")
        );
        assert_eq!((read.producer, &read.max_ids), (Some(identity), &max_ids));
        let mut taught = State::default();
        read.teach(&mut taught);
        assert_eq!(taught.max_id(".eu"), SchemaId(2));
        assert_eq!(Announced::read(5, headers[..1].iter().map(|(n, v)| (*n, v.as_bytes()))), None);
    }
}
