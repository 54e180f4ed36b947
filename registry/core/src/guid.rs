//! The guid of a schema: a name by its content, the same on every registry.
//! Source: Confluent's `MD5` and `Schema#updateHash`.

use md5::{Digest, Md5};
use weir_registry_api::{Guid, Metadata, Reference, Rule, RuleSet};

/// The guid of a schema with this canonical text: MD5 of it, of each reference's name, subject and version, and
/// of metadata and rules, if there are any.
pub(crate) fn guid_of(
    text: &str,
    references: &[Reference],
    metadata: Option<&Metadata>,
    rule_set: Option<&RuleSet>,
) -> Guid {
    let mut hash = Md5::new();
    hash.update(text.as_bytes());
    for reference in references {
        hash.update(reference.name.as_bytes());
        hash.update(reference.subject.as_str().as_bytes());
        hash.update(reference.version.to_be_bytes());
    }
    if let Some(metadata) = metadata {
        hash.update([1]);
        add_metadata(&mut hash, metadata);
    }
    if let Some(rule_set) = rule_set {
        hash.update([1]);
        add_rule_set(&mut hash, rule_set);
    }
    Guid(hash.finalize().into())
}

fn add_metadata(hash: &mut Md5, metadata: &Metadata) {
    for (path, tags) in &metadata.tags {
        hash.update(path.as_bytes());
        tags.iter().for_each(|tag| hash.update(tag.as_bytes()));
    }
    for (key, value) in &metadata.properties {
        hash.update(key.as_bytes());
        hash.update(value.as_bytes());
    }
    metadata.sensitive.iter().for_each(|key| hash.update(key.as_bytes()));
}

fn add_rule_set(hash: &mut Md5, rule_set: &RuleSet) {
    for rules in [&rule_set.migration_rules, &rule_set.domain_rules, &rule_set.encoding_rules] {
        rules.iter().for_each(|rule| add_rule(hash, rule));
    }
    if let Some(place) = &rule_set.enable_at {
        hash.update(place.as_bytes());
    }
}

fn add_rule(hash: &mut Md5, rule: &Rule) {
    let add_text = |hash: &mut Md5, text: &Option<String>| {
        hash.update(text.as_deref().unwrap_or_default().as_bytes());
    };
    add_text(hash, &rule.name);
    add_text(hash, &rule.doc);
    hash.update(rule.kind.name().as_bytes());
    hash.update(rule.mode.name().as_bytes());
    add_text(hash, &rule.rule_type);
    rule.tags.iter().for_each(|tag| hash.update(tag.as_bytes()));
    for (key, value) in &rule.params {
        hash.update(key.as_bytes());
        hash.update(value.as_bytes());
    }
    add_text(hash, &rule.expr);
    add_text(hash, &rule.on_success);
    add_text(hash, &rule.on_failure);
    if rule.disabled {
        hash.update([1]);
    }
}

#[cfg(test)]
mod tests {
    use weir_registry_api::Subject;

    use super::*;

    #[test]
    fn guids_are_the_references_own() {
        let guid = guid_of("\"string\"", &[], None, None);
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!("095D71CF12556B9D5E330AD575B3DF5D".parse::<Guid>().unwrap(), guid);
    }

    #[test]
    fn references_and_metadata_are_part_of_a_guid() {
        let reference = Reference { name: "r".into(), subject: Subject::stored("s"), version: 1 };
        let metadata: Metadata = serde_json::from_str(r#"{"properties":{"owner":"a"}}"#).unwrap();
        let guid = guid_of("{}", &[reference], Some(&metadata), None);
        assert_eq!(guid.to_string(), "9fa59d45-51d1-7793-fd83-d0241e363760");
    }
}
