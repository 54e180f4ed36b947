//! Which of the names that are known is meant by one that is not.

/// The name that differs least from `wrong`, if it differs by a third at most. Case, `-` and `_` do not count.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = plain(wrong);
    let length = wrong.chars().count();
    let most = (length / 3).max(1);
    // of two names, one of which has so many letters more, so many letters differ
    let similar = known.filter(|name| name.chars().count().abs_diff(length) <= most);
    let distances = similar.map(|name| (distance(&wrong, &plain(name)), name));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// Letters to insert, to leave out or to change until one text is the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, of_b) in b.iter().enumerate() {
            let changed = diagonal + usize::from(of_a != *of_b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let known = ["registry.listeners", "proxy.listeners", "roles"];
        let found = |wrong| nearest(wrong, known.into_iter());
        assert_eq!(found("registry.listener"), Some("registry.listeners"));
        assert_eq!(found("Proxy-Listeners"), Some("proxy.listeners"));
        assert_eq!(found("role"), Some("roles"));
        assert_eq!(found("something.else"), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "ab")), (3, 2));
    }
}
