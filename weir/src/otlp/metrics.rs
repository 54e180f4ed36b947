//! Metrics as OTLP has them: the families of `/metrics`, read again and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use tokio::sync::watch;
use tower::ServiceExt;
use weir_http::{Arrival, Shared};

use super::exporter::Exporter;
use super::exposition::{Family, Sample, read};
use super::message::{
    Data, ExportMetrics, Gauge, Histogram, HistogramPoint, KeyValue, Metric, NumberPoint, Resource,
    ResourceMetrics, Scope, ScopeMetrics, Sum, Temporality,
};
use super::pause;

/// Bytes of all metrics.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// From when to when metrics count, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    start_ns: u64,
    now_ns: u64,
}

/// Sends metrics until the process ends, and once more then.
pub async fn send(
    management: Router,
    shared: Arc<Shared>,
    every: Duration,
    exporter: Exporter,
    resource: Arc<Resource>,
    mut ending: watch::Receiver<bool>,
) {
    let start_ns = since_1970_ns();
    loop {
        let is_ending = pause(every, &mut ending).await;
        if let Some(text) = scrape(&management, &shared).await {
            let span = Span { start_ns, now_ns: since_1970_ns() };
            exporter.send(&exported(&resource, &text, span)).await;
        }
        if is_ending {
            return;
        }
    }
}

/// What `/metrics` answers. None if it cannot.
async fn scrape(management: &Router, shared: &Arc<Shared>) -> Option<String> {
    let request = Request::get("/metrics").header(HOST, "localhost");
    let mut request = request.body(Body::empty()).ok()?;
    request.extensions_mut().insert(Arrival::of_process(shared.clone()));
    let answer = management.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    if answer.status() != StatusCode::OK {
        return None;
    }
    let body = to_bytes(answer.into_body(), TEXT_BYTES_MAX).await.ok()?;
    Some(String::from_utf8_lossy(&body).into_owned())
}

fn exported(resource: &Resource, text: &str, span: Span) -> ExportMetrics {
    let metrics = read(text).iter().filter_map(|family| metric(family, span)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: Some(Scope::own()), metrics }];
    let resource = Some(resource.clone());
    ExportMetrics { resource_metrics: vec![ResourceMetrics { resource, scope_metrics }] }
}

/// A family. None if it has no samples.
fn metric(family: &Family, span: Span) -> Option<Metric> {
    let number = |sample: &Sample| NumberPoint {
        start_time_unix_nano: span.start_ns,
        time_unix_nano: span.now_ns,
        as_double: Some(sample.value),
        attributes: attributes(&sample.labels),
    };
    let cumulative = Temporality::Cumulative.into();
    let numbers = |samples: &[Sample]| samples.iter().map(number).collect::<Vec<_>>();
    let is_empty = family.samples.is_empty();
    let data = match family.kind.as_str() {
        _ if is_empty => return None,
        "counter" => {
            // OpenMetrics says when a counter began
            let counted: Vec<Sample> = family
                .samples
                .iter()
                .filter(|it| !it.name.ends_with("_created"))
                .cloned()
                .collect();
            let data_points = numbers(&counted);
            Data::Sum(Sum { data_points, aggregation_temporality: cumulative, is_monotonic: true })
        }
        "histogram" => {
            let data_points = histogram(family, span);
            Data::Histogram(Histogram { data_points, aggregation_temporality: cumulative })
        }
        _ => Data::Gauge(Gauge { data_points: numbers(&family.samples) }),
    };
    let name = family.name.trim_end_matches("_total");
    let (description, unit) = (family.help.clone(), unit(name).to_string());
    Some(Metric { name: name.to_string(), description, unit, data: Some(data) })
}

/// The unit, in OpenTelemetry's letters, that a name ends in.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        Some("ratio") => "1",
        _ => "",
    }
}

fn attributes(labels: &BTreeMap<String, String>) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| KeyValue::text(name, value)).collect()
}

/// A point for each set of labels, without the label of bounds.
fn histogram(family: &Family, span: Span) -> Vec<HistogramPoint> {
    #[derive(Default)]
    struct Found {
        /// Upper bounds with the samples up to each, in their order.
        up_to: Vec<(f64, f64)>,
        sum: Option<f64>,
        count: f64,
    }
    let mut found: BTreeMap<BTreeMap<String, String>, Found> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        let found = found.entry(labels).or_default();
        match (sample.name.strip_prefix(&family.name), bound) {
            (Some("_bucket"), Some(bound)) => {
                let bound = bound.parse().unwrap_or(f64::INFINITY);
                found.up_to.push((bound, sample.value));
            }
            (Some("_sum"), _) => found.sum = Some(sample.value),
            (Some("_count"), _) => found.count = sample.value,
            _ => {}
        }
    }
    let point = |(labels, found): (BTreeMap<String, String>, Found)| {
        let mut below = 0.0;
        let in_each = found.up_to.iter().map(|(_, up_to)| {
            let in_this = (up_to - below).max(0.0);
            below = *up_to;
            in_this as u64
        });
        let bucket_counts: Vec<u64> = in_each.collect();
        let bounds = found.up_to.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite());
        HistogramPoint {
            start_time_unix_nano: span.start_ns,
            time_unix_nano: span.now_ns,
            count: found.count as u64,
            sum: found.sum,
            bucket_counts,
            explicit_bounds: bounds.collect(),
            attributes: attributes(&labels),
        }
    };
    found.into_iter().map(point).collect()
}

fn since_1970_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_sums_and_buckets_are_not_cumulative() {
        let text = r#"# TYPE requests_total counter
requests_total{route="/a"} 3
# TYPE took_seconds histogram
took_seconds_bucket{route="/a",le="0.1"} 1
took_seconds_bucket{route="/a",le="+Inf"} 3
took_seconds_sum{route="/a"} 4.5
took_seconds_count{route="/a"} 3
# TYPE open gauge
open 7
# TYPE nothing gauge
"#;
        let span = Span { start_ns: 1, now_ns: 2 };
        let metrics: Vec<_> = read(text).iter().filter_map(|it| metric(it, span)).collect();
        let names: Vec<_> = metrics.iter().map(|it| (it.name.as_str(), it.unit.as_str())).collect();
        assert_eq!(names, [("requests", ""), ("took_seconds", "s"), ("open", "")]);
        let Some(Data::Histogram(took)) = &metrics[1].data else { panic!("{:?}", metrics[1]) };
        let point = &took.data_points[0];
        assert_eq!(
            (&point.bucket_counts[..], &point.explicit_bounds[..]),
            (&[1, 2][..], &[0.1][..])
        );
        assert_eq!((point.count, point.sum, point.attributes.len()), (3, Some(4.5), 1));
        assert!(matches!(&metrics[0].data, Some(Data::Sum(sum)) if sum.is_monotonic));
        assert!(matches!(&metrics[2].data, Some(Data::Gauge(_))));
    }
}
