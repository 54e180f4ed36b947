//! Equality of JSON values whose keys may come in any order. Walked with a stack of its own, in time
//! that grows with the values' size and not with its square.

use std::collections::HashMap;

use super::{Json, number};

/// A comparison of two values that are neither both arrays nor both objects.
type Scalars = fn(&Json, &Json) -> bool;

/// Equality as Jackson's trees have it: `1` and `1.0` are two values.
pub(super) fn exact(a: &Json, b: &Json) -> bool {
    compare(a, b, exact_scalars)
}

/// Equality as JSON Schema has it: a number is what it is worth, however it is written.
pub(super) fn by_value(a: &Json, b: &Json) -> bool {
    compare(a, b, scalars_by_value)
}

fn exact_scalars(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Double(x), Json::Double(y)) => x.total_cmp(y).is_eq() || x.is_nan() && y.is_nan(),
        _ => a == b,
    }
}

fn scalars_by_value(a: &Json, b: &Json) -> bool {
    match (number::value(a), number::value(b)) {
        (Some(x), Some(y)) => x == y,
        (None, None) => exact_scalars(a, b),
        _ => false,
    }
}

fn compare(a: &Json, b: &Json, scalars: Scalars) -> bool {
    let mut stack = vec![(a, b)];
    while let Some((a, b)) = stack.pop() {
        let same_so_far = match (a, b) {
            (Json::Array(x), Json::Array(y)) => {
                stack.extend(x.iter().zip(y));
                x.len() == y.len()
            }
            (Json::Object(x), Json::Object(y)) => pair_members(x, y, &mut stack),
            _ => scalars(a, b),
        };
        if !same_so_far {
            return false;
        }
    }
    true
}

/// Puts the values of each key on the stack; false if the two have not the same keys.
fn pair_members<'j>(
    a: &'j [(String, Json)],
    b: &'j [(String, Json)],
    stack: &mut Vec<(&'j Json, &'j Json)>,
) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index: Option<HashMap<&str, &Json>> = None;
    for ((key, value), (other_key, other)) in a.iter().zip(b) {
        if key == other_key {
            stack.push((value, other));
            continue;
        }
        let all = || b.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let Some(other) = index.get_or_insert_with(all).get(key.as_str()) else { return false };
        stack.push((value, *other));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn the_order_of_keys_does_not_count_and_that_of_items_does() {
        let (a, b) = (
            parsed(r#"{"a":[1,{"x":1,"y":2}],"b":2}"#),
            parsed(r#"{"b":2,"a":[1,{"y":2,"x":1}]}"#),
        );
        assert!(exact(&a, &b) && by_value(&a, &b));
        let other = parsed(r#"{"b":2,"a":[{"y":2,"x":1},1]}"#);
        assert!(!exact(&a, &other) && !by_value(&a, &other));
        assert!(!exact(&parsed(r#"{"a":1}"#), &parsed(r#"{"b":1}"#)));
    }

    #[test]
    fn a_number_is_its_value_only_where_that_is_asked() {
        for (a, b) in
            [("1", "1.0"), ("10", "1e1"), ("-0.0", "0"), ("100000000000000000000", "1E20")]
        {
            assert!(by_value(&parsed(a), &parsed(b)), "{a} {b}");
            assert!(!exact(&parsed(a), &parsed(b)), "{a} {b}");
        }
        for (a, b) in [
            ("1", "1.1"),
            ("1", "-1"),
            ("1", "\"1\""),
            ("10", "1"),
            ("9007199254740993", "9007199254740992"),
        ] {
            assert!(!by_value(&parsed(a), &parsed(b)), "{a} {b}");
        }
    }

    #[test]
    fn a_double_that_is_no_number_equals_itself() {
        let nan = Json::Double(f64::NAN);
        assert!(exact(&nan, &nan) && by_value(&nan, &nan));
    }

    #[test]
    fn large_objects_in_another_order_are_compared_at_once() {
        let member = |i: usize| (format!("k{i}"), Json::Int(i as i64));
        let forward = Json::Object((0..100_000).map(member).collect());
        let backward = Json::Object((0..100_000).rev().map(member).collect());
        assert!(exact(&forward, &backward));
    }
}
