//! From when until when a certificate is valid (X.509, RFC 5280).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::der::{SEQUENCE, certificate_fields, element};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Both ends, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Validity {
    /// The times between which a certificate is valid, if it can be read.
    pub(crate) fn of(der: &[u8]) -> Option<Validity> {
        let (validity, _) = element(certificate_fields(der)?.validity, SEQUENCE)?;
        let (from, rest) = time(validity)?;
        let (until, _) = time(rest)?;
        Some(Validity { from, until })
    }

    /// Seconds that are left; negative once it is over.
    pub(crate) fn seconds_left(self, now: SystemTime) -> i64 {
        self.until.saturating_sub(seconds(now))
    }

    /// Seconds until it begins, if it has not.
    pub(crate) fn seconds_to_begin(self, now: SystemTime) -> Option<i64> {
        Some(self.from.saturating_sub(seconds(now))).filter(|seconds| *seconds > 0)
    }
}

fn seconds(moment: SystemTime) -> i64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, which are the only forms that certificates may have.
fn time(der: &[u8]) -> Option<(i64, &[u8])> {
    let (text, rest, year_digits) = match element(der, UTC_TIME) {
        Some((text, rest)) => (text, rest, 2),
        None => element(der, GENERALIZED_TIME).map(|(text, rest)| (text, rest, 4))?,
    };
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if text.len() != year_digits + 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize, digits: usize| text[at..at + digits].parse::<i64>().ok();
    let year = match (number(0, year_digits)?, year_digits) {
        (year, 4) => year,
        (year, _) if year < 50 => 2000 + year,
        (year, _) => 1900 + year,
    };
    let part = |index: usize| number(year_digits + 2 * index, 2);
    let days = days_since_1970(year, part(0)?, part(1)?);
    Some((days * 86_400 + part(2)? * 3_600 + part(3)? * 60 + part(4)?, rest))
}

/// Days since 1970 in the Gregorian calendar; years are taken to begin in March, so that the day of a leap year is the
/// last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn made(from: (i32, u8, u8), until: (i32, u8, u8)) -> Option<Validity> {
        let mut params = CertificateParams::new(["localhost".to_string()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Validity::of(certificate.der())
    }

    #[test]
    fn both_ends_of_a_certificates_time_are_read() {
        for (from, until) in [
            (((1970, 1, 1), 0), ((1970, 1, 2), 86_400)),
            (((1999, 12, 31), 946_598_400), ((2000, 2, 29), 951_782_400)),
            (((2024, 3, 1), 1_709_251_200), ((2049, 12, 31), 2_524_521_600)),
            // from here on years have four digits
            (((2050, 1, 1), 2_524_608_000), ((4096, 1, 1), 67_090_118_400)),
        ] {
            let expected = Some(Validity { from: from.1, until: until.1 });
            assert_eq!(made(from.0, until.0), expected);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_time() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let der = certificate.der();
        assert!(Validity::of(der).is_some());
        // cut anywhere before its end, which stands in the first 200 bytes
        for end in 0..60 {
            assert_eq!(Validity::of(&der[..end]), None, "{end}");
        }
        assert_eq!(Validity::of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn what_is_left_of_it_is_negative_once_it_is_over() {
        let validity = Validity { from: 100, until: 200 };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!((validity.seconds_left(at(150)), validity.seconds_left(at(260))), (50, -60));
        assert_eq!(validity.seconds_to_begin(at(40)), Some(60));
        assert_eq!(validity.seconds_to_begin(at(100)), None);
    }
}
