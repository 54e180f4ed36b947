//! Rules that change while requests are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::house::*;

/// Asks until something is as it should be, which it has to be in a minute.
pub async fn until(is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Rules under which Bob may write as well.
fn wider() -> String {
    RULES.replace("allow = [\"read\"]", "allow = [\"read\", \"write\"]")
}

#[tokio::test]
async fn rules_are_read_anew_and_no_request_fails_meanwhile() {
    let house = House::new(RULES);
    let (weir, api) = house.registry(&[]);
    let api = Arc::new(api);
    user("alice").register(&api, "orders-value", "Order").await;
    let (ending, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (api, ending, failed) = (api.clone(), ending.clone(), failed.clone());
            tokio::spawn(async move {
                let mut asked = 0u64;
                while !ending.load(Ordering::Relaxed) {
                    let answer = user("alice").get(&api, "/schemas/ids/1").await;
                    failed.fetch_add(u64::from(answer.status != 200), Ordering::Relaxed);
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    assert_eq!(user("bob").register(&api, "orders-value", "Order").await.status, 403);
    for round in 0..6 {
        let (rules, status) = if round % 2 == 0 { (wider(), 200) } else { (RULES.into(), 403) };
        std::fs::write(house.path("access.toml"), rules).unwrap();
        if round % 3 == 0 {
            weir.signal("HUP");
        }
        let may =
            async || user("bob").register(&api, "orders-value", "Order").await.status == status;
        until(may).await;
    }
    ending.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for one in load {
        asked += one.await.unwrap();
    }
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {asked}");
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_rules_and_is_named_with_line_and_column() {
    let house = House::new(RULES);
    let (mut weir, api) = house.registry(&[]);
    std::fs::write(house.path("access.toml"), "[[rule]]\nname = \"a\"\nalow = [\"read\"]\n")
        .unwrap();
    weir.signal("HUP");
    let line = weir.line("alow");
    assert!(line.contains("access.toml:3:"), "{line}");
    weir.line("the old rules hold");
    assert_eq!(user("alice").register(&api, "orders-value", "Order").await.status, 200);
    let metrics = house.admin().get(&api, "/metrics").await.text;
    assert!(metrics.contains("weir_access_rules_failures_total 1"), "{metrics}");
}

#[test]
fn a_broken_file_ends_the_start() {
    let house = House::new("[[rule]]\nallow = [\"reed\"]\nto = [\"user:a\"]\non = [\"*\"]\n");
    let settings = house.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let args = ["serve", "--roles", "registry", "--store", "memory"];
    let output = crate::process::Weir::command(&args).args(settings).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("access.toml:2:") && error.contains("reed"), "{error}");
    // and is found without a start
    let check = ["config", "check", "--roles", "registry"];
    let output = crate::process::Weir::command(&check).args(house.settings()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("access.toml:2:"), "{error}");
}
