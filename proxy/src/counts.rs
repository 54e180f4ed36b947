//! Records that came in or went out, in numbers: by the API and the format, which are few, and never by topic.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use weir_metrics::{Family, Scrape};

use crate::format::{Format, SchemaFormat};

/// An API of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    V2,
    V3,
}

/// How a client has given its records, or is given them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) api: ApiVersion,
    /// Of values.
    pub(crate) format: Format,
}

const APIS: [(ApiVersion, &str); 2] = [(ApiVersion::V2, "v2"), (ApiVersion::V3, "v3")];

const FORMATS: [Format; 6] = [
    Format::Binary,
    Format::Json,
    Format::Text,
    Format::Schema(SchemaFormat::Avro),
    Format::Schema(SchemaFormat::Json),
    Format::Schema(SchemaFormat::Protobuf),
];

impl Channel {
    pub(crate) fn v2(format: Format) -> Channel {
        Channel { api: ApiVersion::V2, format }
    }

    pub(crate) fn v3(format: Format) -> Channel {
        Channel { api: ApiVersion::V3, format }
    }

    fn index(self) -> usize {
        let api = usize::from(self.api == ApiVersion::V3);
        let format = FORMATS.iter().position(|format| *format == self.format).unwrap_or(0);
        api * FORMATS.len() + format
    }
}

/// Records and their bytes, by how they came or went.
#[derive(Default)]
pub(crate) struct RecordCounts([Count; APIS.len() * FORMATS.len()]);

#[derive(Default)]
struct Count {
    records: AtomicU64,
    bytes: AtomicU64,
}

impl RecordCounts {
    /// Counts records, and the bytes of their keys and values.
    pub(crate) fn count(&self, channel: Channel, records: u64, bytes: u64) {
        let count = &self.0[channel.index()];
        count.records.fetch_add(records, Relaxed);
        count.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn collect(
        &self,
        records: &'static Family,
        bytes: &'static Family,
        scrape: &mut Scrape,
    ) {
        for (api, name) in APIS {
            for format in FORMATS {
                let count = &self.0[Channel { api, format }.index()];
                let labels = [name, format.name()];
                scrape.add(records, &labels, count.records.load(Relaxed));
                scrape.add(bytes, &labels, count.bytes.load(Relaxed));
            }
        }
    }
}

/// Look-ups of a cache.
#[derive(Default)]
pub(crate) struct CacheCounts {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_api_and_format_has_a_place_of_its_own() {
        let channels = APIS.iter().flat_map(|(api, _)| {
            FORMATS.iter().map(|format| Channel { api: *api, format: *format }.index())
        });
        assert!(channels.eq(0..12));
    }
}
