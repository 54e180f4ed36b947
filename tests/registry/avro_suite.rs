//! The schema files of Apache Avro's own distribution.

use serde_json::json;
use weir_tests::registry;

const INTEROP: &str = include_str!("../schemas/interop.avsc");
const REQUEST: &str = include_str!("../schemas/HandshakeRequest.avsc");
const RESPONSE: &str = include_str!("../schemas/HandshakeResponse.avsc");

#[tokio::test]
async fn they_are_registered_and_come_back() {
    let api = registry().await;
    for (subject, text) in [("interop", INTEROP), ("request", REQUEST), ("response", RESPONSE)] {
        let schema = json!({"schema": text});
        let registered = api.post(&format!("/subjects/{subject}/versions"), &schema).await;
        assert_eq!(registered.status, 200, "{}", registered.text);
        let id = &registered.json["id"];
        let canonical = api.get(&format!("/schemas/ids/{id}/schema")).await.text;
        assert!(!canonical.contains('\n'), "{canonical}");
        // the canonical text is the same schema
        let again = json!({"schema": canonical});
        let found = api.post(&format!("/subjects/{subject}"), &again).await;
        assert_eq!(&found.json["id"], id, "{}", found.text);
    }
}
