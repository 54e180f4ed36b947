//! How much of the process strangers may take: the settings, and what follows from the descriptors that there are.

use std::time::Duration;

use weir_http::Limits;

use crate::config::tree::LimitSettings;

/// The limits of a process that may have so many descriptors.
pub fn limits(settings: &LimitSettings, descriptors: usize) -> Limits {
    let usual = Limits::for_descriptors(descriptors);
    let connections_max = settings.connections_max.value.unwrap_or(usual.connections_max);
    let per_address = settings.connections_per_address_max.value;
    Limits {
        connections_max,
        connections_per_address_max: per_address
            .unwrap_or_else(|| Limits::per_address(connections_max)),
        body_bytes_sum_max: *settings.body_bytes_sum_max,
        body_wait: Duration::from_millis(*settings.body_wait_ms),
        body_timeout: Duration::from_millis(*settings.body_timeout_ms),
        answer_stall_timeout: Duration::from_millis(*settings.answer_stall_timeout_ms),
        answer_timeout: Duration::from_millis(*settings.answer_timeout_ms),
        header_timeout: Duration::from_millis(*settings.header_timeout_ms),
        request_timeout: Duration::from_millis(*settings.request_timeout_ms),
        idle_timeout: Duration::from_millis(*settings.idle_timeout_ms),
        handshake_timeout: Duration::from_millis(*settings.handshake_timeout_ms),
        streams_max: *settings.streams_per_connection_max,
        slow_request: usual.slow_request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    fn read(given: &[&str], vars: &[(&str, &str)]) -> Result<Limits, String> {
        let flags = flags(&[&["--roles", "registry"], given].concat());
        let configuration = Configuration::of_serve(&flags, &env(vars));
        let configuration = configuration.map_err(|error| error.to_string())?;
        Ok(limits(&configuration.tree.limits, 1024))
    }

    #[test]
    fn a_limit_is_the_flags_or_confluents_or_the_usual_one() {
        assert_eq!(read(&[], &[]), Ok(Limits::for_descriptors(1024)));
        let confluents = [
            ("SCHEMA_REGISTRY_SERVER_CONNECTION_LIMIT", "100"),
            ("KAFKA_REST_CONNECTOR_CONNECTION_LIMIT", "80"),
            ("KAFKA_REST_SERVER_CONNECTION_LIMIT", "0"),
            ("KAFKA_REST_IDLE_TIMEOUT_MS", "7000"),
        ];
        let found = read(&[], &confluents).unwrap();
        assert_eq!((found.connections_max, found.connections_per_address_max), (80, 40));
        assert_eq!(found.idle_timeout, Duration::from_secs(7));
        let flags = ["--connections-max", "9", "--idle-timeout-ms", "5", "--body-wait-ms", "0"];
        let found = read(&flags, &confluents).unwrap();
        assert_eq!((found.connections_max, found.connections_per_address_max), (9, 4));
        assert_eq!(
            (found.idle_timeout, found.body_wait),
            (Duration::from_millis(5), Duration::ZERO)
        );
        let wrong = ("SCHEMA_REGISTRY_IDLE_TIMEOUT_MS", "soon");
        assert!(read(&[], &[wrong]).unwrap_err().contains(wrong.0));
    }
}
