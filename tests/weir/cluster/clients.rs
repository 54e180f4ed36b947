//! Clients that others wrote, behind a balancer, while nodes die.

use std::process::Command;
use std::time::Duration;

use weir_faults::Site;

use super::nodes::*;
use crate::balancer;
use crate::python::PYTHON;

/// Kills the leader each time the log has grown by so many records, until a client is done.
async fn kill_leaders_while<T: Send + 'static>(
    site: &Site,
    records: u64,
    client: tokio::task::JoinHandle<T>,
) -> T {
    let (mut kills, mut goal) = (0, records);
    while !client.is_finished() {
        let (leader, _) = site.leader().await;
        let leader = &site.nodes[leader];
        let reached = site.status(leader).await.is_some_and(|s| s.applied_offset > goal);
        if reached {
            leader.kill();
            site.leader().await;
            leader.start();
            site.until_ready(leader).await;
            (kills, goal) = (kills + 1, goal + records);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(kills > 0, "the client was done before any node died");
    client.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn confluents_client_for_python_goes_on_while_nodes_behind_a_balancer_die() {
    let Some(site) = three_nodes().await else { return };
    if std::env::var_os(PYTHON.variable).is_none() {
        PYTHON.run("cluster.py", &[], ""); // says that it is skipped
        return;
    }
    let url = balancer::start(site.nodes.iter().map(|node| node.url.clone()).collect()).await;
    let client = tokio::task::spawn_blocking(move || PYTHON.run("cluster.py", &[&url, "120"], ""));
    let output = kill_leaders_while(&site, 40, client).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}", said.lines().last().unwrap());
}

/// Spring's client of Confluent's API, from Maven Central.
#[tokio::test(flavor = "multi_thread")]
async fn a_java_client_goes_on_while_nodes_behind_a_balancer_die() {
    let Some(site) = three_nodes().await else { return };
    let url = balancer::start(site.nodes.iter().map(|node| node.url.clone()).collect()).await;
    // where there is a Kafka, there are java and the jars beside it
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let client = tokio::task::spawn_blocking(move || {
        Command::new("java")
            .args(["-cp", &format!("{root}/target/java/libs/*")])
            .args([&format!("{root}/tests/java/Spring.java"), &url, "150"])
            .output()
            .unwrap()
    });
    let output = kill_leaders_while(&site, 50, client).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}\n{}", site.tails());
    eprintln!("{said}");
}
