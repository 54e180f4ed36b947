//! Tables that commands print.

/// Sets rows below a head, each column as wide as its widest text, two blanks between them.
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut lines = vec![head.map(str::to_string)];
    lines.extend(rows);
    let mut widths = [0; N];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = text.chars().count().max(*width);
        }
    }
    let set = |line: &[String; N]| {
        let texts = line.iter().zip(widths).map(|(text, width)| format!("{text:width$}"));
        texts.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
    };
    lines.iter().map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let rows = [["alice", "a"], ["é", ""]].map(|row| row.map(str::to_string));
        assert_eq!(table(["NAME", "ROLES"], rows), "NAME   ROLES\nalice  a\né\n");
    }
}
