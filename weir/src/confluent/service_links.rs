//! Variables that Kubernetes makes for each pod, and that look like settings.

/// Returns true of what Kubernetes tells each pod about services: one that is called `schema-registry` makes variables
/// that look like settings.
pub fn is_service_link(name: &str, value: &str) -> bool {
    let is_port = |rest: &str| {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < rest.len() && (digits.starts_with("_TCP") || digits.starts_with("_UDP"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || ["tcp://", "udp://"].iter().any(|scheme| value.starts_with(scheme))
        || name.match_indices("_PORT_").any(|(at, text)| is_port(&name[at + text.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_says_of_a_service_is_told_from_settings() {
        for (name, value) in [
            ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
            ("SCHEMA_REGISTRY_SERVICE_HOST", "10.0.0.1"),
            ("SCHEMA_REGISTRY_SERVICE_PORT", "8081"),
            ("SCHEMA_REGISTRY_SERVICE_PORT_SCHEMA_REGISTRY", "8081"),
            ("KAFKA_REST_PORT_8082_TCP", "tcp://10.0.0.2:8082"),
            ("KAFKA_REST_PORT_8082_TCP_ADDR", "10.0.0.2"),
            ("KAFKA_REST_PORT_8082_TCP_PORT", "8082"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for (name, value) in [("SCHEMA_REGISTRY_PORT", "8081"), ("KAFKA_REST_HOST_NAME", "rest")] {
            assert!(!is_service_link(name, value), "{name}");
        }
    }
}
