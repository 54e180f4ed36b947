//! The order in which a Java `HashMap` or `HashSet` of strings is walked.
//!
//! The registry that we stand in for reports the differences of an object's properties in this
//! order, and clients compare its answers as texts. Names in one bucket keep the order given.

/// The names of a map that grew one by one.
pub(super) fn of_map<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    let size = names.len();
    sort(&mut names, grown(16, size));
    names
}

/// The names of `first`, and then those of `second` that `first` has not, as a set that is copied
/// from the first and then given the second.
pub(super) fn of_union<'a>(
    first: impl ExactSizeIterator<Item = &'a str>,
    second: impl Iterator<Item = &'a str>,
    in_first: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let copied = (first.len() as f32 / 0.75) as usize + 1;
    let mut names: Vec<&str> = first.collect();
    names.extend(second.filter(|name| !in_first(name)));
    let size = names.len();
    sort(&mut names, grown(copied.max(16).next_power_of_two(), size));
    names
}

/// The buckets of a table that started with `buckets` and holds `size` entries.
fn grown(mut buckets: usize, size: usize) -> usize {
    while size > buckets / 4 * 3 {
        buckets *= 2;
    }
    buckets
}

fn sort(names: &mut [&str], buckets: usize) {
    names.sort_by_cached_key(|name| bucket(name, buckets));
}

fn bucket(name: &str, buckets: usize) -> usize {
    let hash =
        name.encode_utf16().fold(0u32, |h, unit| h.wrapping_mul(31).wrapping_add(u32::from(unit)));
    (hash ^ (hash >> 16)) as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_walked_in_the_order_of_javas_buckets() {
        let given = ["one", "two", "three", "four", "five"];
        assert_eq!(of_map(given.into_iter()), ["four", "one", "two", "three", "five"]);
    }

    #[test]
    fn a_union_is_walked_in_the_order_of_javas_buckets() {
        let first = ["one", "two", "three", "four", "five"];
        let second = "foo a bar baz qux name id age city zip é x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11";
        let wanted = "x8 x9 city foo two three bar qux four x10 x11 baz id five zip a one é name x1 x2 x3 x4 x5 age x6 x7";
        let walked = of_union(first.into_iter(), second.split(' '), |name| first.contains(&name));
        assert_eq!(walked.join(" "), wanted);
    }

    #[test]
    fn a_table_grows_when_it_is_three_quarters_full() {
        assert_eq!((grown(16, 12), grown(16, 13), grown(16, 25)), (16, 32, 64));
    }
}
