//! The place of a request in a distributed trace, as W3C Trace Context writes it: `traceparent` and `tracestate`.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Version, trace, span and flags: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
pub static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What each vendor on the way has to say, as a list.
pub static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `tracestate` that is passed on; W3C asks for 512 at least. A longer one is left out.
const STATE_BYTES_MAX: usize = 1024;

/// Bytes of a `traceparent` of version 00. A later version may have more, behind another dash.
const PARENT_BYTES: usize = 55;

/// The bit of the flags that says that the caller records its spans.
const SAMPLED: u8 = 1;

/// Where somebody stands in a trace. Neither id is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    pub span_id: u64,
    /// Whether spans of the trace are recorded.
    pub is_sampled: bool,
}

impl TraceContext {
    /// What a request says of its caller. None if it says nothing, or nothing that is valid: then the request begins a trace.
    pub(crate) fn of(headers: &HeaderMap) -> Option<TraceContext> {
        let mut given = headers.get_all(&TRACEPARENT).iter();
        match (given.next(), given.next()) {
            (Some(parent), None) => TraceContext::parse(parent.as_bytes()),
            _ => None,
        }
    }

    fn parse(text: &[u8]) -> Option<TraceContext> {
        let version = hex(text.get(..2)?)?;
        let is_known = version == 0;
        let fits = match is_known {
            true => text.len() == PARENT_BYTES,
            false => version != 0xff && matches!(text.get(PARENT_BYTES), None | Some(b'-')),
        };
        let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        if !fits || !dashes {
            return None;
        }
        let trace_id = hex(text.get(3..35)?).filter(|id| *id != 0)?;
        let span_id = hex(text.get(36..52)?).filter(|id| *id != 0)? as u64;
        let flags = hex(text.get(53..PARENT_BYTES)?)? as u8;
        Some(TraceContext { trace_id, span_id, is_sampled: flags & SAMPLED != 0 })
    }

    /// The header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("digits and dashes are ASCII")
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceContext { trace_id, span_id, is_sampled } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*is_sampled))
    }
}

/// The `tracestate` of a request that has a valid `traceparent`, in one line. None if it has none, or one that is too long.
pub(crate) fn state_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = headers.get_all(&TRACESTATE).iter();
    let first = all.next()?;
    let mut joined = first.as_bytes().to_vec();
    for more in all {
        joined.push(b',');
        joined.extend_from_slice(more.as_bytes());
        if joined.len() > STATE_BYTES_MAX {
            return None;
        }
    }
    let is_plain = joined.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let fits = joined.len() <= STATE_BYTES_MAX && is_plain && !joined.trim_ascii().is_empty();
    fits.then(|| HeaderValue::from_bytes(&joined).ok()).flatten()
}

/// The number that lower-case digits write; W3C takes no others. At most 32 of them.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(values: &[&[u8]]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&TRACEPARENT, HeaderValue::from_bytes(value).unwrap());
        }
        TraceContext::of(&headers)
    }

    #[test]
    fn a_valid_parent_is_taken_and_written_as_it_was() {
        let context = read(&[VALID.as_bytes()]).unwrap();
        assert_eq!(context.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(context.is_sampled);
        assert_eq!(context.header(), VALID);
        let later = format!("cc{}-what-will-be", &VALID[2..]);
        assert_eq!(read(&[later.as_bytes()]), Some(context));
        let other_flags = format!("{}02", &VALID[..53]);
        assert!(!read(&[other_flags.as_bytes()]).unwrap().is_sampled);
    }

    #[test]
    fn what_is_no_parent_is_none() {
        for wrong in [
            "",
            "00",
            &VALID[..54],
            &format!("{VALID}-more"),
            &format!("ff{}", &VALID[2..]),
            &format!("cc{}more", &VALID[2..]),
            &VALID.to_uppercase(),
            &VALID.replace('-', "_"),
            &format!("00-{:032}-00f067aa0ba902b7-01", 0),
            &format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016}-01", 0),
        ] {
            assert_eq!(read(&[wrong.as_bytes()]), None, "{wrong}");
        }
        assert_eq!(read(&[b"00-\xff"]), None);
        assert_eq!(read(&[VALID.as_bytes(), VALID.as_bytes()]), None);
    }

    #[test]
    fn a_state_is_one_line_and_has_a_bound() {
        let state = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append(&TRACESTATE, HeaderValue::from_str(value).unwrap());
            });
            state_of(&headers).map(|state| state.to_str().unwrap().to_string())
        };
        assert_eq!(state(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
        assert_eq!(state(&[]), None);
        assert_eq!(state(&[" "]), None);
        assert_eq!(state(&[&"a".repeat(STATE_BYTES_MAX + 1)]), None);
        assert_eq!(state(&[&"a".repeat(STATE_BYTES_MAX), "b"]), None);
    }
}
