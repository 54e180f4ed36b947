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

/// The exporter that Weir has.
const OTLP: &str = "otlp";

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
            let is_ours = exporter.split(',').any(|exporter| exporter.trim() == OTLP);
            push(key, name, if is_ours { "true" } else { "false" });
        }
    }
    layers
}

/// What is said of variables that Weir does otherwise, without their values.
pub fn notes(env: &Env) -> Vec<String> {
    let mut notes = Vec::new();
    let given = env.iter().filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty());
    for (name, value) in given {
        let is_setting = VARIABLES.iter().any(|(known, _)| known == name);
        let is_exporter = EXPORTERS.iter().any(|(known, _)| known == name);
        let value = value.trim();
        let note = match name.as_str() {
            _ if is_setting => continue,
            _ if is_exporter && value.split(',').all(|it| [OTLP, "none"].contains(&it.trim())) => {
                continue;
            }
            _ if is_exporter => "of the exporters there is otlp alone",
            "OTEL_SDK_DISABLED"
                if ["true", "false"].contains(&value.to_ascii_lowercase().as_str()) =>
            {
                continue;
            }
            "OTEL_SDK_DISABLED" => "it is neither true nor false, and so is false",
            "OTEL_PROPAGATORS" if value.split(',').any(|it| it.trim() == "tracecontext") => {
                continue;
            }
            "OTEL_PROPAGATORS" => {
                "requests are followed by traceparent and tracestate (tracecontext) alone"
            }
            _ if name.ends_with("_PROTOCOL") && value == "http/protobuf" => continue,
            _ if name.ends_with("_PROTOCOL") => {
                "Weir sends http/protobuf, which collectors take at port 4318"
            }
            _ if value == "none" => continue,
            _ if name.ends_with("_HEADERS") => {
                "say OTEL_EXPORTER_OTLP_HEADERS, which is for traces and metrics"
            }
            _ => "it has no effect here",
        };
        notes.push(format!("{name}: {note}"));
    }
    notes
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

    #[test]
    fn what_has_no_effect_is_named_without_its_value() {
        for (name, value) in [
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_SDK_DISABLED", "maybe"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "key=hunter2"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_PROPAGATORS", "b3"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ] {
            let said = notes(&env(&[(name, value)]));
            assert!(said[0].starts_with(name) && !said[0].contains("hunter2"), "{said:?}");
        }
        let usual =
            [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_PROPAGATORS", "tracecontext,baggage")];
        assert!(notes(&env(&usual)).is_empty());
        let both = [
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ];
        let flags = flags(&["--roles", "registry", "--store", "memory"]);
        assert!(*Configuration::of_serve(&flags, &env(&both)).unwrap().tree.otlp.traces);
    }
}
