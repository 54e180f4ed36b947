//! The formats of a scrape, and which of them is asked for.

/// How a scrape is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4, which everybody reads.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

const OPEN_METRICS: &str = "application/openmetrics-text";

impl Format {
    /// The format that the values of `Accept` ask for: OpenMetrics where it is named in a version that is written here and
    /// is wanted no less than the text format, else the text format.
    pub fn accepted<'a>(values: impl Iterator<Item = &'a str>) -> Format {
        let (mut open, mut text) = (0, 0);
        for range in values.flat_map(|value| value.split(',')).map(Range::read) {
            match range.media_type {
                t if t.eq_ignore_ascii_case(OPEN_METRICS) => {
                    let is_known = matches!(range.version, None | Some("1.0.0" | "0.0.1"));
                    open = open.max(if is_known { range.quality } else { 0 });
                }
                t if t.eq_ignore_ascii_case("text/plain") => text = text.max(range.quality),
                _ => {}
            }
        }
        if open > 0 && open >= text { Format::OpenMetrics } else { Format::Text }
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A part of `Accept`.
struct Range<'a> {
    media_type: &'a str,
    version: Option<&'a str>,
    /// In thousandths.
    quality: u32,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Range<'a> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let mut range = Range { media_type, version: None, quality: 1_000 };
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match name.trim() {
                "version" => range.version = Some(value.trim().trim_matches('"')),
                "q" | "Q" => range.quality = thousandths(value.trim()),
                _ => {}
            }
        }
        range
    }
}

/// What cannot be read is not wanted.
fn thousandths(quality: &str) -> u32 {
    let quality = quality.parse::<f32>().unwrap_or(0.0);
    (quality.clamp(0.0, 1.0) * 1_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_written_where_it_is_wanted_most() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; version=\"1.0.0\"; q=1", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.3, text/plain;q=0.5", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=many", Format::Text),
            ("text/plain", Format::Text),
            ("*/*", Format::Text),
            ("", Format::Text),
            (";;;==,,q=", Format::Text),
        ] {
            assert_eq!(Format::accepted([accept].into_iter()), format, "{accept}");
        }
        let apart = ["text/plain;q=0.5", "application/openmetrics-text;q=0.6"];
        assert_eq!(Format::accepted(apart.into_iter()), Format::OpenMetrics);
    }
}
