//! Numbers of several rounds, and how they are printed.

/// Smallest, middle and largest of some numbers; of an even count the middle is the upper one.
pub fn spread(samples: &[f64]) -> [f64; 3] {
    let sorted = sorted(samples);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}

/// The number that this part of all numbers does not exceed.
pub fn percentile(samples: &[f64], part: f64) -> f64 {
    let sorted = sorted(samples);
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Each number divided by the other of its round.
pub fn ratios(numbers: &[f64], others: &[f64]) -> Vec<f64> {
    numbers.iter().zip(others).map(|(number, other)| number / other).collect()
}

/// About four digits.
pub fn shown(number: f64) -> String {
    match number.abs() {
        n if n >= 1000.0 => thousands(number.round() as i64),
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn thousands(number: i64) -> String {
    let (head, tail) = (number / 1000, (number % 1000).abs());
    let head = if head.abs() >= 1000 { thousands(head) } else { head.to_string() };
    format!("{head},{tail:03}")
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    assert!(!samples.is_empty(), "nothing was measured");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&samples, 0.5), 50.0);
        assert_eq!(percentile(&samples, 0.99), 99.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn numbers_are_shown_with_about_four_digits() {
        let shown: Vec<String> =
            [1_234_567.8, 999.6, 12.34, 1.239, 0.04].into_iter().map(shown).collect();
        assert_eq!(shown, ["1,234,568", "1000", "12.3", "1.24", "0.040"]);
    }
}
