//! How an event is written: as text for people, or as an object of JSON. Both have the same fields (docs/logs.md).
//!
//! Whatever a value has in it, an event is one line of bounded length.

use std::fmt::{self, Write};
use std::io::Write as _;
use std::time::Instant;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};
use weir_http::{ACCESS_LOG, SLOW};
use weir_trace::with_current;

use super::repeats::Repeats;

/// Bytes of a value; the rest is cut off.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Bytes of all fields of a line; fields beyond are left out.
const FIELDS_BYTES_MAX: usize = 64 * 1024;

/// RFC 3339 with microseconds, also if these are zeros, so that lines are sorted as texts are.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// What every line has. A field of an event that is called so gets another name.
const OWN: [&str; 7] = ["time", "level", "target", "message", "request_id", "trace_id", "span_id"];

/// Fields of the lines about requests that stand in their messages already, for people.
const SAID: [&str; 3] = ["method", "path", "status"];

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Text { has_colours: bool },
    Json,
}

/// Where a line is put together; kept, so that most lines need no memory.
#[derive(Default)]
pub struct Buffers {
    line: Vec<u8>,
    fields: Vec<u8>,
    message: String,
    value: String,
}

impl Buffers {
    /// The line of an event, with its line feed.
    pub fn line(&mut self, event: &Event<'_>, style: Style) -> &[u8] {
        self.read(event, style);
        self.put_together(event, style)
    }

    /// As [`Buffers::line`]; none if librdkafka has said the same a moment ago.
    pub fn line_of_librdkafka(
        &mut self,
        event: &Event<'_>,
        style: Style,
        repeats: &Repeats,
    ) -> Option<&[u8]> {
        self.read(event, style);
        // the target says whose line it is
        if let Some(said) = self.message.strip_prefix("librdkafka: ") {
            self.message = said.to_string();
        }
        let unsaid = repeats.say(&self.message, Instant::now())?;
        if unsaid > 0 {
            write_field(&mut self.fields, style, "repeated", &unsaid.to_string(), false);
        }
        Some(self.put_together(event, style))
    }

    fn read(&mut self, event: &Event<'_>, style: Style) {
        let Buffers { fields, message, value, .. } = self;
        fields.clear();
        message.clear();
        let target = event.metadata().target();
        event.record(&mut Fields { style, target, fields, message, value });
    }

    fn put_together(&mut self, event: &Event<'_>, style: Style) -> &[u8] {
        let Buffers { line, fields, message, .. } = self;
        line.clear();
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let time = TIME.timestamp_to_string(&Timestamp::now());
        match style {
            Style::Json => {
                let _ = write!(line, "{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":");
                write_json(line, target);
                line.extend_from_slice(b",\"message\":");
                write_json(line, message);
                line.extend_from_slice(fields);
                write_request(line, style);
                line.extend_from_slice(b"}\n");
            }
            Style::Text { has_colours } => {
                let (colour, end) = if has_colours { (colour(level), "\x1b[0m") } else { ("", "") };
                let _ = write!(line, "{time} {colour}{level:>5}{end} {target}: ");
                write_escaped(line, message, false);
                line.extend_from_slice(fields);
                write_request(line, style);
                line.push(b'\n');
            }
        }
        line
    }
}

/// Writes a field in front of which others may stand, its name included. Names are of our making.
fn write_field(out: &mut Vec<u8>, style: Style, name: &str, value: &str, is_text: bool) {
    match style {
        Style::Json => {
            let prefix = if OWN.contains(&name) { "field_" } else { "" };
            let _ = write!(out, ",\"{prefix}{name}\":");
            match is_text {
                true => write_json(out, value),
                false => out.extend_from_slice(value.as_bytes()),
            }
        }
        Style::Text { .. } => {
            let _ = write!(out, " {name}=");
            match is_text && !is_bare(value) {
                true => {
                    out.push(b'"');
                    write_escaped(out, value, true);
                    out.push(b'"');
                }
                false => out.extend_from_slice(value.as_bytes()),
            }
        }
    }
}

/// Writes which request is being answered, if one is.
fn write_request(out: &mut Vec<u8>, style: Style) {
    let own = |out: &mut Vec<u8>, name: &str, value: &str| match style {
        Style::Json => {
            let _ = write!(out, ",\"{name}\":");
            write_json(out, value);
        }
        Style::Text { .. } => write_field(out, style, name, value, true),
    };
    with_current(|current| {
        let id = current.ongoing.id().to_str().unwrap_or_default();
        own(out, "request_id", id);
        if let Some(context) = current.context() {
            own(out, "trace_id", &format!("{:032x}", context.trace_id));
            own(out, "span_id", &format!("{:016x}", context.span_id));
        }
    });
}

/// A string of JSON, with its quotes. What a terminal or an editor would not show as a letter is escaped, whatever JSON allows.
fn write_json(out: &mut Vec<u8>, text: &str) {
    if !text.chars().any(|c| c > '\u{7e}' && is_hidden(c)) {
        let _ = serde_json::to_writer(out, text); // a Vec takes everything
        return;
    }
    let json = serde_json::to_string(text).unwrap_or_default();
    for c in json.chars() {
        let _ = match c > '\u{7e}' && is_hidden(c) {
            true => write!(out, "\\u{:04x}", u32::from(c)),
            false => write!(out, "{c}"),
        };
    }
}

/// Returns true for what moves a cursor, ends a line, or changes in which order letters are shown. All of them are below U+10000.
fn is_hidden(c: char) -> bool {
    let is_format = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    c.is_control() || is_format
}

/// A text that cannot end a line or move a cursor; in quotes, it cannot end these either.
fn write_escaped(out: &mut Vec<u8>, text: &str, in_quotes: bool) {
    let is_plain = |c: char| !(is_hidden(c) || in_quotes && matches!(c, '"' | '\\'));
    if text.chars().all(is_plain) {
        return out.extend_from_slice(text.as_bytes());
    }
    for c in text.chars() {
        let _ = match c {
            c if is_plain(c) => write!(out, "{c}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '"' | '\\' => write!(out, "\\{c}"),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)),
        };
    }
}

/// Returns true if a value needs no quotes.
fn is_bare(value: &str) -> bool {
    let is_plain = |c: char| !is_hidden(c) && !c.is_whitespace() && !matches!(c, '"' | '\\' | '=');
    !value.is_empty() && value.chars().all(is_plain)
}

fn colour(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// Writes the fields of an event, and keeps its message.
struct Fields<'a> {
    style: Style,
    target: &'a str,
    fields: &'a mut Vec<u8>,
    message: &'a mut String,
    value: &'a mut String,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: &str, is_text: bool) {
        let name = field.name();
        if name == "message" {
            self.message.push_str(value);
            return;
        }
        let is_said = self.style != Style::Json
            && [ACCESS_LOG, SLOW].contains(&self.target)
            && SAID.contains(&name);
        // records of the crate `log` say where they stand in the code
        if !is_said && self.fields.len() < FIELDS_BYTES_MAX && !name.starts_with("log.") {
            write_field(self.fields, self.style, name, value, is_text);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, bounded(value), true);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write_number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write_number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write_number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.write_number(field, value),
            false => self.write(field, &value.to_string(), true),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = std::mem::take(self.value);
        text.clear();
        let _ = write!(Bounded(&mut text), "{value:?}"); // it is cut off
        self.write(field, &text, true);
        *self.value = text;
    }
}

impl Fields<'_> {
    /// A number, or true or false, as JSON has it.
    fn write_number(&mut self, field: &Field, value: impl fmt::Display) {
        let mut text = std::mem::take(self.value);
        text.clear();
        let _ = write!(text, "{value}"); // a String takes everything
        self.write(field, &text, false);
        *self.value = text;
    }
}

/// The first bytes of a text, in whole letters.
fn bounded(text: &str) -> &str {
    match text.len() > VALUE_BYTES_MAX {
        true => beginning(text, VALUE_BYTES_MAX),
        false => text,
    }
}

/// At most so many bytes from the beginning of a longer text, in whole letters.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Takes the first bytes of what is written, so that a value of any size costs no more.
struct Bounded<'a>(&'a mut String);

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = VALUE_BYTES_MAX.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(beginning(text, room));
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    #[derive(Clone)]
    struct Written(Style, Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Written {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut buffers = Buffers::default();
            let line = String::from_utf8(buffers.line(event, self.0).to_vec()).unwrap();
            self.1.lock().unwrap().push(line);
        }
    }

    fn written(style: Style, say: impl FnOnce()) -> String {
        let written = Written(style, Arc::default());
        let subscriber = tracing_subscriber::registry().with(written.clone());
        tracing::subscriber::with_default(subscriber, say);
        let line = written.1.lock().unwrap().pop().unwrap();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        line
    }

    const TEXT: Style = Style::Text { has_colours: false };
    const HOSTILE: &str = "a\nb\r\u{1b}[31m\u{9b}\"}\\{\u{0}";

    #[test]
    fn a_line_of_text_is_read_by_people_and_broken_by_nobody() {
        let line = written(TEXT, || {
            tracing::info!(target: "weir::test", count = 3, name = "a b", bare = "a/b", "hello\nworld");
        });
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<Timestamp>().is_ok() && time.len() == 27, "{time}");
        let expected = " INFO weir::test: hello\\nworld count=3 name=\"a b\" bare=a/b\n";
        assert_eq!(rest, expected);
        let hostile = written(TEXT, || tracing::warn!(value = HOSTILE, "{HOSTILE}"));
        assert!(hostile.trim_end().chars().all(|c| !c.is_control()), "{hostile:?}");
    }

    #[test]
    fn a_line_of_json_is_one_object_whatever_is_in_it() {
        let line = written(Style::Json, || {
            let long = "ä".repeat(VALUE_BYTES_MAX);
            let none: Option<u64> = None;
            tracing::error!(
                value = HOSTILE,
                level = "other",
                long,
                none,
                ok = true,
                ratio = 0.5,
                "{HOSTILE}"
            );
        });
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["message"], &object["value"]), (&HOSTILE.into(), &HOSTILE.into()));
        assert_eq!((&object["level"], &object["field_level"]), (&"ERROR".into(), &"other".into()));
        assert_eq!((&object["ok"], &object["ratio"]), (&true.into(), &0.5.into()));
        assert!(object.get("none").is_none());
        assert_eq!(object["long"].as_str().unwrap().len(), VALUE_BYTES_MAX);
    }

    #[test]
    fn a_value_of_any_size_costs_no_more_than_its_bound() {
        struct Endless;
        impl fmt::Debug for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("more and ")?;
                }
            }
        }
        let line = written(Style::Json, || tracing::info!(endless = ?Endless, "said"));
        assert!(line.len() < VALUE_BYTES_MAX + 256);
    }

    #[test]
    fn a_line_says_which_request_it_belongs_to() {
        use http::{HeaderMap, HeaderValue};
        let mut headers = HeaderMap::new();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert("traceparent", HeaderValue::from_static(parent));
        let id = Some(HeaderValue::from_static("order 4711"));
        let ongoing = Arc::new(weir_trace::Ongoing::begin(id, &headers, true));
        let current = weir_trace::Current::new(ongoing);
        let say = || tracing::info!("said");
        let line = written(Style::Json, || current.clone().enter(say));
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["request_id"], "order 4711");
        assert_eq!(object["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        let line = written(TEXT, || current.enter(say));
        assert!(line.contains("said request_id=\"order 4711\" trace_id=4bf92f"), "{line}");
    }
}
