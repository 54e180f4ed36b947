//! `/subjects`

use serde_json::json;
use weir_tests::registry;

#[tokio::test]
async fn registering_the_same_schema_twice_returns_the_same_id() {
    let api = registry().await;
    let schema = json!({"schema": "\"string\""});
    let registered = json!({"id": 1, "version": 1, "guid": "095d71cf-1255-6b9d-5e33-0ad575b3df5d",
        "schemaType": "AVRO", "schema": "\"string\""});
    api.post("/subjects/a-value/versions", &schema).await.is(registered.clone());
    api.post("/subjects/a-value/versions", &schema).await.is(registered.clone());
    api.post("/subjects/b-value/versions", &schema).await.is(registered);
}
