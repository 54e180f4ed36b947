//! What the reference answered to recorded requests, and what we answer to them.

use weir_tests::golden::compare_with_recording;
use weir_tests::registry;

#[tokio::test]
async fn the_registry_answers_as_recorded_but_for_the_listed_differences() {
    compare_with_recording("registry", registry().await.address()).await;
}

#[tokio::test]
async fn associations_are_answered_as_recorded_but_for_the_listed_differences() {
    compare_with_recording("registry-associations", registry().await.address()).await;
}
