//! What a JSON number is worth, exactly and however it is written.

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
        Json::BigInt(digits) => read(digits),
        Json::Double(d) if d.is_finite() => read(&format!("{d:e}")),
        _ => None,
    }
}

/// Reads a number in JSON's notation.
fn read(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
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
