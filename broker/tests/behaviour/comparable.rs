//! Answers as text that is equal where two brokers behave equally.
//!
//! Replaced are ids that a broker chooses, addresses, throttle times, and times of day. Everything
//! else has to be equal.

use std::fmt::Debug;

/// What belongs to one broker's run rather than to its behaviour: the field's value is not shown.
const HIDDEN: [&str; 7] =
    ["throttle_time_ms", "cluster_id", "host", "port", "log_dir", "total_bytes", "usable_bytes"];
/// Ids that a broker chooses, unless they are 0 or -1: the field's value is only said to be there.
const CHOSEN: [&str; 3] = ["producer_id", "session_id", "current_txn_start_offset_id"];
const NEWTYPES: [&str; 5] = ["TopicName", "BrokerId", "ProducerId", "GroupId", "TransactionalId"];
/// Milliseconds of a time of day begin here; tests use timestamps before.
const NOW_FROM: u64 = 1_700_000_000_000;
const UUID_CHARS: usize = 36;
/// Kafka also writes an id's 16 bytes in base64.
const SHORT_ID_CHARS: usize = 22;
/// As Kafka's `Long.MAX_VALUE`.
const FAR: u64 = i64::MAX as u64;

/// One line. `run` is what makes the names of this run unique; it is taken out.
pub fn comparable(answer: &impl Debug, run: &str) -> String {
    let text = format!("{answer:?}").replace(run, "");
    let tokens = without_newtypes(tokens(&text));
    let mut line = String::new();
    let mut ids = Ids::default();
    let mut field = "";
    for (at, token) in tokens.iter().enumerate() {
        if tokens.get(at + 1) == Some(&":") {
            field = token;
            line.push_str(token);
        } else if *token == "," || !is_value(token) {
            line.push_str(token);
        } else {
            line.push_str(&shown(field, token, &mut ids));
        }
    }
    line.replace(", unknown_tagged_fields: {}", "").replace(" { unknown_tagged_fields: {} }", "")
}

fn is_value(token: &str) -> bool {
    token.starts_with(['"', '-']) || token.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn shown(field: &str, token: &str, ids: &mut Ids) -> String {
    if token == "Some" || token == "None" {
        return token.to_owned();
    }
    if HIDDEN.contains(&field) {
        return "_".into();
    }
    if CHOSEN.contains(&field) && !matches!(token, "0" | "-1") {
        return "chosen".into();
    }
    ids.replaced(token)
}

/// The ids of one answer, numbered in the order in which they are seen.
#[derive(Debug, Default)]
struct Ids(Vec<String>);

impl Ids {
    fn of(&mut self, id: &str) -> String {
        if id.chars().all(|c| matches!(c, '0' | '-')) {
            return "nil".into();
        }
        let known = self.0.iter().position(|known| known == id);
        let index = known.unwrap_or_else(|| {
            self.0.push(id.to_owned());
            self.0.len() - 1
        });
        format!("id#{}", index + 1)
    }

    /// The text with the ids and times of day in it replaced.
    fn replaced(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let mut rest = text;
        let mut replaced = String::new();
        while let Some(first) = rest.chars().next() {
            let after = rest.trim_start_matches(is_part);
            if after.len() == rest.len() {
                replaced.push(first);
                rest = &rest[first.len_utf8()..];
            } else {
                let word = &rest[..rest.len() - after.len()];
                replaced.push_str(&self.word(word, text.starts_with('"')));
                rest = after;
            }
        }
        replaced
    }

    fn word(&mut self, word: &str, is_quoted: bool) -> String {
        let (start, end) = word.split_at(word.len().saturating_sub(UUID_CHARS));
        if is_uuid(end) {
            return format!("{start}{}", self.of(end));
        }
        if is_quoted && word.len() == SHORT_ID_CHARS && word.contains(char::is_uppercase) {
            return self.of(word);
        }
        let digits = word.trim_start_matches('-');
        if is_time(digits) { word.replace(digits, "now") } else { word.to_owned() }
    }
}

/// A time of day, or one from which the furthest time is subtracted.
fn is_time(digits: &str) -> bool {
    let is_now = |number: u64| (NOW_FROM..2 * NOW_FROM).contains(&number);
    digits.parse().is_ok_and(|number| is_now(number) || is_now(FAR.saturating_sub(number)))
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID_CHARS
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Words, whole string literals, and every other character by itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => literal(rest),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn literal(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `TopicName("a")` is shown as `"a"`.
fn without_newtypes(tokens: Vec<&str>) -> Vec<&str> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        if NEWTYPES.contains(&token) {
            let _open = tokens.next();
            kept.extend(tokens.next());
            let _close = tokens.next();
        } else {
            kept.push(token);
        }
    }
    kept
}
