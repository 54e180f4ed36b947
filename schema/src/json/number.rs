//! What a JSON number is worth, exactly and however it is written, and how Java prints it.

use std::fmt;

use super::Json;

/// An exact decimal: `digits` times ten to the power of `exponent`, with neither leading nor trailing
/// zeros, so that equal numbers are equal here. Zero has no digits, and no sign.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// The value of a number; none for what is no finite number.
pub(super) fn value(json: &Json) -> Option<Decimal> {
    match json {
        Json::Int(i) => read(&i.to_string()),
        Json::BigInt(digits) | Json::Decimal(digits) => read(digits),
        Json::Double(d) if d.is_finite() => read(&format!("{d:e}")),
        _ => None,
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        write!(f, "{sign}{digits}E{}", self.exponent)
    }
}

/// A number in JSON's notation, taken apart.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    exponent: i64,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    Some(Parts { negative, whole, fraction, exponent })
}

fn read(text: &str) -> Option<Decimal> {
    let Parts { negative, whole, fraction, exponent } = parts(text)?;
    let all = format!("{whole}{fraction}");
    let trimmed = all.trim_end_matches('0');
    let dropped = i64::try_from(all.len() - trimmed.len()).ok()?;
    let digits = trimmed.trim_start_matches('0').to_string();
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits, exponent: 0 });
    }
    let fraction = i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.checked_sub(fraction)?.checked_add(dropped)?;
    Some(Decimal { negative, digits, exponent })
}

/// A number in JSON's notation as `BigDecimal.toString` of Java writes it: all its digits, also zeros
/// at its end, in scientific form if it is small or its last digit stands left of the point. None
/// where the exponent is beyond what Java can hold.
pub(super) fn java_decimal(text: &str) -> Option<String> {
    let Parts { negative, whole, fraction, exponent } = parts(text)?;
    let all = format!("{whole}{fraction}");
    let digits = match all.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    i32::try_from(scale).ok()?;
    let adjusted = i64::try_from(digits.len()).ok()? - 1 - scale;
    let sign = if negative && digits != "0" { "-" } else { "" };
    if scale >= 0 && adjusted >= -6 {
        return Some(format!("{sign}{}", with_point(digits, usize::try_from(scale).ok()?)));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{sign}{first}{point}{rest}E{adjusted:+}"))
}

/// `digits` with the last `scale` of them behind a point.
fn with_point(digits: &str, scale: usize) -> String {
    match digits.len().checked_sub(scale) {
        _ if scale == 0 => digits.to_string(),
        Some(before) if before > 0 => format!("{}.{}", &digits[..before], &digits[before..]),
        _ => format!("0.{digits:0>scale$}"),
    }
}
