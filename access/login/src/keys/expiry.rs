//! When an API key expires, as a command is told it and as a file has it.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The longest time that a key may be given: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Reads `90d`, `12h`, `30m`, a day (`2027-01-01`, its beginning in UTC) or a moment (`2027-01-01T12:00:00Z`).
///
/// The error says what is expected, or that it has passed.
pub fn expiry(text: &str, now: SystemTime) -> Result<SystemTime, String> {
    let span = span(text).map(|span| now.checked_add(span).filter(|_| span <= LONGEST));
    let expires = match span {
        Some(expires) => expires,
        None => moment(text),
    };
    match expires {
        Some(expires) if expires > now => Ok(expires),
        Some(_) => Err(format!("{text} has passed")),
        None => Err(format!("{text:?}: expected 90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z")),
    }
}

/// Reads a day or a moment.
pub(super) fn moment(text: &str) -> Option<SystemTime> {
    let of_day =
        || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    // a day is ten characters: more would be a day whose time of day is ignored
    let at = if text.len() == 10 { of_day() } else { text.parse::<Timestamp>().ok() };
    Some(SystemTime::from(at?))
}

/// Writes a moment, to the second.
pub(super) fn written(at: SystemTime) -> Option<String> {
    let seconds = Timestamp::try_from(at).ok()?.as_second();
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}

/// Writes the day of a moment, in UTC.
pub(super) fn day(at: SystemTime) -> Option<String> {
    Some(Timestamp::try_from(at).ok()?.to_zoned(TimeZone::UTC).date().to_string())
}

fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "d" => 24 * 60 * 60,
        "h" => 60 * 60,
        "m" => 60,
        _ => return None,
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SystemTime {
        moment(text).unwrap()
    }

    #[test]
    fn a_time_is_a_span_a_day_or_a_moment() {
        let now = at("2026-11-29T12:00:00Z");
        for (text, expected) in [
            ("90d", "2027-02-27T12:00:00Z"),
            ("12h", "2026-11-30T00:00:00Z"),
            ("30m", "2026-11-29T12:30:00Z"),
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2027-01-01T12:00:00+01:00", "2027-01-01T11:00:00Z"),
        ] {
            assert_eq!(expiry(text, now).unwrap(), at(expected), "{text}");
        }
        for text in [
            "",
            "d",
            "90",
            "-1d",
            "+1d",
            "1.5d",
            "é",
            "0d",
            "99999999999999999999d",
            "99999999d",
            "2026-11-29",
            "2026-02-30",
            "tomorrow",
            "2027-01-01T12:00:00",
        ] {
            assert!(expiry(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let time = at("2027-01-01T12:34:56Z") + Duration::from_millis(789);
        assert_eq!(written(time).unwrap(), "2027-01-01T12:34:56Z");
        assert_eq!(day(time).unwrap(), "2027-01-01");
    }
}
