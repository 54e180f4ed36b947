use std::time::Duration;

use serde_json::json;

use super::*;
use crate::files::MemoryFiles;

const NOW: Now = Now { elapsed: Duration::ZERO, wall_ms: 0 };

fn entry(name: &str, value: Option<i32>) -> Entry {
    Entry { key: Key::Topic(name.into()), value: value.map(|value| json!(value)) }
}

fn opened(files: &Arc<MemoryFiles>) -> (Journal, Vec<Entry>) {
    Journal::open(&(files.clone() as Arc<dyn Files>), &LogConfig::default()).unwrap()
}

#[test]
fn the_last_value_of_each_key_is_read_in_the_order_of_writing() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, none) = opened(&files);
    assert_eq!(none, []);
    journal.write(vec![entry("a", Some(1)), entry("b", Some(2))], NOW).unwrap();
    journal.write(vec![entry("c", Some(3))], NOW).unwrap();
    journal.write(vec![entry("a", Some(4)), entry("b", None)], NOW).unwrap();
    let (_, entries) = opened(&files);
    assert_eq!(entries, [entry("c", Some(3)), entry("a", Some(4))]);
}

#[test]
fn a_write_is_there_as_a_whole_or_not_at_all() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    journal.write(vec![entry("a", Some(1))], NOW).unwrap();
    journal.file.sync().unwrap();
    let before = journal.size;
    journal.write(vec![entry("a", Some(2)), entry("b", Some(2))], NOW).unwrap();
    for kept in 0..journal.size - before {
        let torn = Arc::new(files.after_power_loss(|_| kept));
        let (mut journal, entries) = opened(&torn);
        assert_eq!(entries, [entry("a", Some(1))], "with {kept} bytes");
        journal.write(vec![entry("c", Some(3))], NOW).unwrap();
        assert_eq!(opened(&torn).1, [entry("a", Some(1)), entry("c", Some(3))]);
    }
}

#[test]
fn a_failed_write_leaves_nothing() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    files.fail_after(1);
    journal.write(vec![entry("a", Some(1))], NOW).unwrap();
    assert!(journal.write(vec![entry("b", Some(2))], NOW).is_err());
    journal.write(vec![entry("c", Some(3))], NOW).unwrap();
    assert_eq!(opened(&files).1, [entry("a", Some(1)), entry("c", Some(3))]);
}

#[test]
fn a_fault_in_the_middle_is_an_error_that_says_where() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    journal.write(vec![entry("a", Some(1))], NOW).unwrap();
    let second = journal.size;
    journal.write(vec![entry("b", Some(2))], NOW).unwrap();
    journal.write(vec![entry("c", Some(3))], NOW).unwrap();
    journal.file.write_at(b"x", second + 10).unwrap();
    let error =
        Journal::open(&(files as Arc<dyn Files>), &LogConfig::default()).unwrap_err().to_string();
    assert!(error.contains("journal") && error.contains(&second.to_string()), "{error}");
}

#[test]
fn a_rewritten_journal_has_what_holds_and_what_came_since() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    assert!(journal.plan_rewrite().is_none());
    while journal.plan_rewrite().is_none() {
        journal
            .write((0..1000).map(|i| entry(&format!("t{}", i % 10), Some(i))).collect(), NOW)
            .unwrap();
    }
    journal.write(vec![entry("t0", None)], NOW).unwrap();
    let rewrite = journal.plan_rewrite().unwrap();
    let rewritten = rewrite.run().unwrap();
    journal.write(vec![entry("since", Some(1))], NOW).unwrap();
    let (_, before) = opened(&Arc::new(files.after_kill()));
    journal.rewritten(rewritten).unwrap();
    journal.write(vec![entry("after", Some(2))], NOW).unwrap();
    assert!(journal.size < 2000, "{}", journal.size);
    let (_, entries) = opened(&files);
    assert_eq!(entries.len(), 11);
    assert_eq!(entries[..10], before);
    assert_eq!(entries[10], entry("after", Some(2)));
    let (_, durable) = opened(&Arc::new(files.after_power_loss(|_| 0)));
    assert_eq!(durable, before);
    // what was planned before is not done again
    let late = rewrite.run().unwrap();
    journal.rewritten(late).unwrap();
    assert_eq!(opened(&files).1, entries);
}

#[test]
fn a_rewriting_whose_folder_cannot_be_synced_goes_on_in_the_new_file() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    while journal.plan_rewrite().is_none() {
        journal.write((0..1000).map(|i| entry("t", Some(i))).collect(), NOW).unwrap();
    }
    let rewritten = journal.plan_rewrite().unwrap().run().unwrap();
    files.fail_folder_syncs(true);
    assert!(journal.rewritten(rewritten).is_err());
    journal.write(vec![entry("after", Some(2))], NOW).unwrap();
    assert_eq!(opened(&files).1, [entry("t", Some(999)), entry("after", Some(2))]);
    assert!(journal.sync_all().is_err());
    files.fail_folder_syncs(false);
    journal.sync_all().unwrap();
    assert_eq!(journal.synced, journal.size);
}

#[test]
fn a_write_to_a_journal_that_was_removed_is_an_error() {
    let files = Arc::new(MemoryFiles::default());
    let (mut journal, _) = opened(&files);
    journal.write(vec![entry("a", Some(1))], NOW).unwrap();
    files.remove(PATH).unwrap();
    assert!(journal.write(vec![entry("b", Some(2))], NOW).is_err());
}
