//! Checks of configs before they are set, with Kafka's words.

use std::collections::BTreeMap;

use super::broker_table;
use super::definition::Definition;
use super::group_table::{BOUNDS, CLIENT_METRICS_CONFIGS, GROUP_CONFIGS};
use super::topic_table::TOPIC_CONFIGS;

type Values = BTreeMap<String, String>;

fn check_all(kind: &str, table: &[Definition], values: &Values) -> Result<(), String> {
    let known = |name: &str| table.iter().find(|definition| definition.name == name);
    if let Some(unknown) = values.keys().find(|name| known(name).is_none()) {
        return Err(format!("Unknown {kind} config name: {unknown}"));
    }
    values
        .iter()
        .try_for_each(|(name, value)| known(name).map_or(Ok(()), |found| found.check(value)))
}

/// Checks everything that is set for a topic.
pub(crate) fn check_topic_configs(values: &Values) -> Result<(), String> {
    check_all("topic", TOPIC_CONFIGS, values)?;
    let lag = |name: &str, default: i64| {
        values.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
    };
    let (min, max) = (lag("min.compaction.lag.ms", 0), lag("max.compaction.lag.ms", i64::MAX));
    if min > max {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        ));
    }
    let tiered = values.get("remote.storage.enable");
    if tiered.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        return Err("Tiered Storage functionality is disabled in the broker. Topic cannot be \
                    configured with remote log storage."
            .to_owned());
    }
    Ok(())
}

/// Checks everything that is set for a group.
pub(super) fn check_group_configs(values: &Values) -> Result<(), String> {
    check_all("group", GROUP_CONFIGS, values)?;
    for bounds in BOUNDS {
        let Some(value) =
            values.get(bounds.name).and_then(|value| value.trim().parse::<i64>().ok())
        else {
            continue;
        };
        if value < bounds.min.0 {
            return Err(format!(
                "{} must be greater than or equal to {}",
                bounds.name, bounds.min.1
            ));
        }
        if value > bounds.max.0 {
            return Err(format!("{} must be less than or equal to {}", bounds.name, bounds.max.1));
        }
    }
    Ok(())
}

/// Checks everything that is set for a subscription to clients' metrics.
pub(super) fn check_client_metrics_configs(values: &Values) -> Result<(), String> {
    let known = |name: &str| CLIENT_METRICS_CONFIGS.iter().find(|found| found.name == name);
    values.iter().try_for_each(|(name, value)| match known(name) {
        Some(definition) => definition.check(value),
        None => Err(format!("Unknown client metrics configuration: {name}")),
    })
}

/// Checks everything that is set for the broker. Names that the broker does not have are kept for
/// those that read them, as Kafka does.
pub(super) fn check_broker_configs(values: &Values) -> Result<(), String> {
    let all = broker_table::all();
    let known = |name: &str| all.iter().find(|(definition, _)| definition.name == name);
    let fixed: Vec<&str> = values
        .keys()
        .filter(|name| known(name).is_some_and(|(_, is_dynamic)| !is_dynamic))
        .map(String::as_str)
        .collect();
    if !fixed.is_empty() {
        return Err(format!("Cannot update these configs dynamically: Set({})", fixed.join(", ")));
    }
    values
        .iter()
        .try_for_each(|(name, value)| known(name).map_or(Ok(()), |(found, _)| found.check(value)))
}
