//! What holds for every schema.

use proptest::prelude::*;
use weir_schema::protobuf::{Schema, compatibility, differences};

use super::generate::text;

fn parse(text: &str) -> Schema {
    Schema::parse(text, &[], true).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

proptest! {
    #[test]
    fn a_schema_is_compatible_with_itself(text in text()) {
        let schema = parse(&text);
        prop_assert_eq!(differences(&schema, &schema.clone()), []);
        prop_assert_eq!(differences(&schema, &parse(&schema.canonical())), []);
        prop_assert_eq!(compatibility(&schema, &schema.normalized()), []);
    }

    #[test]
    fn canonical_text_is_its_own_canonical_text(text in text()) {
        let canonical = parse(&text).canonical();
        prop_assert_eq!(parse(&canonical).canonical(), canonical);
    }

    #[test]
    fn normal_form_is_its_own_normal_form(text in text()) {
        let normal = parse(&text).normalized();
        prop_assert_eq!(normal.normalized().canonical(), normal.canonical());
        prop_assert_eq!(parse(&normal.canonical()).normalized().canonical(), normal.canonical());
    }

    #[test]
    fn a_descriptor_has_the_normal_form_of_its_text(text in text()) {
        let schema = parse(&text);
        let back = parse(&schema.serialized().unwrap());
        prop_assert_eq!(back.normalized().canonical(), schema.normalized().canonical());
        prop_assert!(back.same_resolved(&schema));
        prop_assert_eq!(parse(&back.canonical()).canonical(), back.canonical());
        prop_assert_eq!(back.serialized().map(|s| parse(&s).canonical()), Ok(back.canonical()));
        prop_assert_eq!(compatibility(&back, &schema), []);
        prop_assert_eq!(compatibility(&schema, &back), []);
    }

    #[test]
    fn a_difference_is_one_both_ways(a in text(), b in text()) {
        let (a, b) = (parse(&a), parse(&b));
        let there = differences(&a, &b).len();
        let back = differences(&b, &a).len();
        prop_assert_eq!(there == 0, back == 0);
        prop_assert_eq!(a.same_resolved(&b), b.same_resolved(&a));
    }
}
