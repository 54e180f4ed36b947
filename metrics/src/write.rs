//! The text of a scrape.

use std::fmt::Write;

use crate::family::{Family, Kind};
use crate::format::Format;
use crate::histogram::{Buckets, Snapshot};
use crate::scrape::{Samples, Scrape, Value};

pub(crate) fn text(scrape: &Scrape, format: Format) -> String {
    let mut out = Text { out: String::new(), format };
    for Samples { family, samples } in scrape.families.values() {
        out.head(family);
        for (values, value) in samples {
            out.sample(family, values, value);
        }
    }
    if format == Format::OpenMetrics {
        out.out.push_str("# EOF\n");
    }
    out.out
}

struct Text {
    out: String,
    format: Format,
}

/// Writing to a `String` does not fail.
macro_rules! put {
    ($text:expr, $($arguments:tt)*) => {
        let _ = write!($text.out, $($arguments)*);
    };
}

impl Text {
    /// What a family is, before its samples.
    fn head(&mut self, family: &Family) {
        let name = self.family_name(family);
        let kind = match (self.format, family.kind) {
            (Format::Text, Kind::Info) => "gauge",
            (_, kind) => kind.name(),
        };
        put!(self, "# HELP {name} ");
        self.escaped(family.help, self.format == Format::OpenMetrics);
        put!(self, "\n# TYPE {name} {kind}\n");
        if self.format == Format::OpenMetrics
            && let Some(unit) = family.unit.base()
            && name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
        {
            put!(self, "# UNIT {name} {unit}\n");
        }
    }

    /// OpenMetrics has the endings of counters and infos at their samples alone.
    fn family_name(&self, family: &Family) -> &'static str {
        let ending = match (self.format, family.kind) {
            (Format::OpenMetrics, Kind::Counter) => "_total",
            (Format::OpenMetrics, Kind::Info) => "_info",
            _ => "",
        };
        family.name.strip_suffix(ending).unwrap_or(family.name)
    }

    fn sample(&mut self, family: &Family, values: &[String], value: &Value) {
        match (family.kind, value) {
            (Kind::Histogram(buckets), Value::Histogram(snapshot)) => {
                self.histogram(family, buckets, values, snapshot);
            }
            (_, Value::Whole(value)) => {
                self.series(family, "", values, None);
                put!(self, " {value}\n");
            }
            (_, Value::Real(value)) => {
                self.series(family, "", values, None);
                put!(self, " {}\n", number(*value));
            }
            // a sum is the nearest that there is of what is no histogram
            (_, Value::Histogram(Snapshot { sum, .. })) => {
                self.series(family, "", values, None);
                put!(self, " {sum}\n");
            }
        }
    }

    fn histogram(
        &mut self,
        family: &Family,
        buckets: &Buckets,
        values: &[String],
        snapshot: &Snapshot,
    ) {
        let mut total = 0;
        for (at, count) in snapshot.counts.iter().enumerate() {
            total += count;
            let bound = buckets.bounds.get(at);
            let bound = bound.map_or("+Inf".to_string(), |bound| bound_text(*bound, buckets));
            self.series(family, "_bucket", values, Some(&bound));
            put!(self, " {total}\n");
        }
        self.series(family, "_sum", values, None);
        put!(self, " {}\n", number(snapshot.sum as f64 / buckets.per_unit as f64));
        self.series(family, "_count", values, None);
        put!(self, " {total}\n");
    }

    /// A sample's name and labels.
    fn series(&mut self, family: &Family, ending: &str, values: &[String], bound: Option<&str>) {
        put!(self, "{}{ending}", family.name);
        let mut separator = '{';
        for (name, value) in family.labels.iter().zip(values) {
            put!(self, "{separator}{name}=\"");
            self.escaped(value, true);
            self.out.push('"');
            separator = ',';
        }
        if let Some(bound) = bound {
            put!(self, "{separator}le=\"{bound}\"");
            separator = ',';
        }
        if separator == ',' {
            self.out.push('}');
        }
    }

    fn escaped(&mut self, text: &str, with_quotes: bool) {
        for c in text.chars() {
            match c {
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '"' if with_quotes => self.out.push_str("\\\""),
                c => self.out.push(c),
            }
        }
    }
}

/// A bound as OpenMetrics wants it: with a point, so that one bound has one label in both formats.
fn bound_text(bound: u64, buckets: &Buckets) -> String {
    format!("{:?}", bound as f64 / buckets.per_unit as f64)
}

fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".to_string(),
        f64::INFINITY => "+Inf".to_string(),
        f64::NEG_INFINITY => "-Inf".to_string(),
        v => v.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Family, Format, Histogram, LATENCY, Scrape, Unit};

    static REQUESTS: Family = Family::counter(
        "requests_total",
        Unit::Count("requests"),
        "A \"help\" with \\ and\nlines.",
    )
    .by(&["path", "status"]);
    static TOOK: Family = Family::histogram("took_seconds", &LATENCY, "How long.").by(&["path"]);
    static SENT: Family = Family::counter("sent_bytes_total", Unit::Bytes, "Bytes.");
    static OPEN: Family = Family::gauge("open", Unit::Count("connections"), "Open.");
    static BUILD: Family = Family::info("build_info", "Build.").by(&["version"]);

    fn scrape() -> Scrape {
        let mut scrape = Scrape::new();
        let took = Histogram::new(&LATENCY);
        [90, 1_000_000].into_iter().for_each(|micros| took.observe(micros));
        scrape.add(&TOOK, &["/a"], &took);
        scrape.add(&REQUESTS, &["\\\"\n", "200"], 2_u64);
        scrape.add(&REQUESTS, &["/", "200"], 1_u64);
        scrape.add(&REQUESTS, &["/", "200"], 3_u64);
        scrape.set(&SENT, 12_u64);
        scrape.set(&OPEN, 0.5);
        scrape.add(&BUILD, &["1.2"], 1_u64);
        scrape
    }

    #[test]
    fn the_text_format_has_the_names_as_they_are_declared() {
        let text = scrape().text(Format::Text);
        for part in [
            "# HELP requests_total A \"help\" with \\\\ and\\nlines.\n# TYPE requests_total counter\n",
            "requests_total{path=\"/\",status=\"200\"} 3\n",
            "requests_total{path=\"\\\\\\\"\\n\",status=\"200\"} 2\n",
            "# TYPE build_info gauge\nbuild_info{version=\"1.2\"} 1\n",
            "took_seconds_bucket{path=\"/a\",le=\"0.0001\"} 1\n",
            "took_seconds_bucket{path=\"/a\",le=\"1.0\"} 2\n",
            "took_seconds_bucket{path=\"/a\",le=\"+Inf\"} 2\n",
            "took_seconds_sum{path=\"/a\"} 1.00009\ntook_seconds_count{path=\"/a\"} 2\n",
            "open 0.5\n",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert!(!text.contains("UNIT") && !text.contains("EOF"), "{text}");
    }

    #[test]
    fn openmetrics_has_names_without_endings_units_and_an_end() {
        let text = scrape().text(Format::OpenMetrics);
        for part in [
            "# HELP requests A \\\"help\\\" with \\\\ and\\nlines.\n# TYPE requests counter\n",
            "requests_total{path=\"/\",status=\"200\"} 3\n",
            "# TYPE build info\nbuild_info{version=\"1.2\"} 1\n",
            "# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\nsent_bytes_total 12\n",
            "# UNIT took_seconds seconds\n",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    }
}
