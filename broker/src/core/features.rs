//! Features of the cluster that clients and tools ask for, all of them in their last level.

use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};

use super::refusal::text;

struct Feature {
    name: &'static str,
    min: i16,
    level: i16,
}

/// Their levels say what this broker does: 27 is Kafka 4.1, groups of the consumer protocol, and
/// transactions whose producers get a new epoch after each.
const FEATURES: [Feature; 3] = [
    Feature { name: "group.version", min: 0, level: 1 },
    Feature { name: "metadata.version", min: 7, level: 27 },
    Feature { name: "transaction.version", min: 0, level: 2 },
];

/// Adds the features to an answer, whose version has to be 3 or above.
pub(super) fn announce(response: ApiVersionsResponse, version: i16) -> ApiVersionsResponse {
    // Before version 4 a client cannot read a feature whose first level is 0.
    let can_be_read = |feature: &&Feature| version >= 4 || feature.min > 0;
    let supported = FEATURES.iter().filter(can_be_read).map(|feature| {
        SupportedFeatureKey::default()
            .with_name(text(feature.name))
            .with_min_version(feature.min)
            .with_max_version(feature.level)
    });
    let finalized = FEATURES.iter().map(|feature| {
        FinalizedFeatureKey::default()
            .with_name(text(feature.name))
            .with_min_version_level(feature.level)
            .with_max_version_level(feature.level)
    });
    response
        .with_supported_features(supported.collect())
        .with_finalized_features(finalized.collect())
        .with_finalized_features_epoch(1)
}
