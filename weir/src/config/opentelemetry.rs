//! The variables that OpenTelemetry has for all programs, as a layer below Weir's own.

use super::layers::Layers;
use super::source::Source;
use super::tree::find;
use super::value::Given;
use crate::confluent::Env;

/// OpenTelemetry's variables, and the settings that they are.
const VARIABLES: [(&str, &str); 11] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp.traces_endpoint"),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "otlp.metrics_endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otlp.headers"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "otlp.ca"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "otlp.timeout_ms"),
    ("OTEL_SERVICE_NAME", "otlp.service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "otlp.resource_attributes"),
    ("OTEL_TRACES_SAMPLER", "otlp.sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "otlp.sampler_ratio"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "otlp.metrics_interval_ms"),
];

/// Variables that switch a kind off.
const EXPORTERS: [(&str, &str); 2] =
    [("OTEL_TRACES_EXPORTER", "otlp.traces"), ("OTEL_METRICS_EXPORTER", "otlp.metrics")];

/// Reads them. An empty variable is none, as the specification has it.
pub fn read(env: &Env) -> Layers {
    let mut layers = Layers::default();
    let mut push = |key: &str, name: &str, value: &str| {
        if let Some(setting) = find(key) {
            let source = Source::Variable(name.to_string());
            layers.push(setting, Given::of_text(setting, value, &source));
        }
    };
    let given = |name: &str| env.get(name).map(String::as_str).filter(|value| !value.is_empty());
    for (name, key) in VARIABLES {
        given(name).into_iter().for_each(|value| push(key, name, value));
    }
    let is_disabled = given("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"));
    for (name, key) in EXPORTERS {
        if is_disabled {
            push(key, "OTEL_SDK_DISABLED", "false");
        } else if let Some(exporter) = given(name) {
            push(key, name, if exporter == "otlp" { "true" } else { "false" });
        }
    }
    layers
}

/// What is said of variables that Weir does otherwise.
pub fn notes(env: &Env) -> Vec<String> {
    let name = "OTEL_EXPORTER_OTLP_PROTOCOL";
    let protocol = env.get(name).filter(|it| !["", "http/protobuf"].contains(&it.as_str()));
    let note = |protocol| {
        format!(
            "{name} is {protocol}: Weir sends http/protobuf, which collectors take at port 4318"
        )
    };
    protocol.map(note).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    #[test]
    fn opentelemetrys_variables_are_settings_and_weirs_own_win() {
        let vars = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_SERVICE_NAME", "schemas"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_HEADERS", ""),
            ("WEIR_OTLP_SERVICE_NAME", "ours"),
        ];
        let flags = flags(&["--roles", "registry", "--store", "memory"]);
        let otlp = Configuration::of_serve(&flags, &env(&vars)).unwrap().tree.otlp;
        assert_eq!(otlp.endpoint.as_deref(), Some("http://collector:4318"));
        assert_eq!(otlp.service_name.value, "ours");
        assert_eq!(otlp.sampler_ratio.as_deref(), Some("0.25"));
        assert!(*otlp.traces && !*otlp.metrics && otlp.headers.is_none());
    }

    #[test]
    fn every_variable_is_a_setting() {
        let keys = VARIABLES.iter().chain(&EXPORTERS).map(|(_, key)| *key);
        let unknown: Vec<_> = keys.filter(|key| find(key).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(notes(&env(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]))[0].contains("4318"));
    }
}
