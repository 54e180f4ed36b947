//! Lists of very many subjects, of which a caller may read few.

use std::time::Instant;

use serde_json::{Value, json};

use super::{ADMIN, Guarded, allow};

const SUBJECTS: usize = 100_000;

/// Prints how long a caller waits; run it with `--ignored --nocapture`.
#[tokio::test]
#[ignore = "it takes long to make so many subjects, and only prints figures"]
async fn a_list_of_100000_subjects_of_which_few_may_be_read_is_answered_soon() {
    let text = json!({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]})
        .to_string();
    let record = |number: usize| {
        let subject = format!("subject-{number}");
        let key = json!({"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1});
        let value = json!({
            "subject": subject, "version": 1, "id": 1, "schema": text, "deleted": false,
        });
        (key, value)
    };
    let records: Vec<(Value, Value)> = (0..SUBJECTS).map(record).collect();
    let on = ["subject:subject-7", "subject:subject-99*", "subject:another"];
    let shop = Guarded::on(&records, &allow("reader", &["read"], &on));
    for (caller, path) in [
        ("reader", "/subjects"),
        ("reader", "/schemas"),
        ("reader", "/schemas/ids/1/subjects"),
        ("reader", "/schemas/ids/1"),
        ("reader", "/contexts"),
        ("nobody", "/subjects"),
        ("nobody", "/schemas"),
        ("nobody", "/schemas/ids/1"),
        (ADMIN, "/subjects"),
        (ADMIN, "/schemas/ids/1/subjects"),
    ] {
        let begun = Instant::now();
        let said = shop.get(caller, path).await;
        let (took, bytes) = (begun.elapsed(), said.text.len());
        println!("{caller} {path}: {} with {bytes} bytes in {took:?}", said.status);
    }
    let found = shop.get("reader", "/subjects").await.ok();
    assert_eq!(found.as_array().unwrap().len(), 1 + 1 + 10 + 100 + 1000);
    assert_eq!(shop.get("nobody", "/schemas/ids/1").await.code(), 40403);
}
