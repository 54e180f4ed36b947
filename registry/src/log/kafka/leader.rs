//! Who leads: the node that wrote the last announcement. It is in the headers of a `NOOP` record, where
//! other registries do not look.

use super::producer::{Header, Identity};

const URL: &str = "weir.leader";
const TOKEN: &str = "weir.token";
const PRODUCER: &str = "weir.producer";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    /// The offset of its announcement: of two leaders, the later has the higher.
    pub(crate) epoch: u64,
    /// Where the others reach it.
    pub(crate) url: String,
    /// What only those know who read the log: a request that carries it comes from a node.
    pub(crate) token: String,
    pub(crate) producer: Option<Identity>,
}

impl Leader {
    /// From the headers of a record, if they announce one.
    pub(crate) fn read<'a>(
        offset: u64,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Option<Leader> {
        let (mut url, mut token, mut producer) = (None, None, None);
        for (name, value) in headers {
            let text = std::str::from_utf8(value).ok().map(str::to_string);
            match name {
                URL => url = text,
                TOKEN => token = text,
                PRODUCER => producer = text.as_deref().and_then(identity),
                _ => {}
            }
        }
        Some(Leader { epoch: offset, url: url?, token: token?, producer })
    }
}

/// An announcement that is to be written.
pub(crate) struct Announcement {
    url: String,
    token: String,
    producer: String,
}

impl Announcement {
    pub(crate) fn new(url: &str, token: &str, identity: Identity) -> Announcement {
        let producer = format!("{}/{}", identity.producer_id, identity.epoch);
        Announcement { url: url.to_string(), token: token.to_string(), producer }
    }

    pub(crate) fn headers(&self) -> [Header<'_>; 3] {
        [(URL, &self.url), (TOKEN, &self.token), (PRODUCER, &self.producer)]
    }
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
        let announcement = Announcement::new("http://a:1", "secret", identity);
        let headers = announcement.headers();
        let read = Leader::read(5, headers.iter().map(|(n, v)| (*n, v.as_bytes())));
        let (url, token) = ("http://a:1".to_string(), "secret".to_string());
        assert_eq!(read, Some(Leader { epoch: 5, url, token, producer: Some(identity) }));
        assert_eq!(Leader::read(5, headers[..1].iter().map(|(n, v)| (*n, v.as_bytes()))), None);
    }
}
