//! The name that is checked is the name that is used.

use serde_json::json;

use super::{ADMIN, Guarded, Said, allow, record};

/// Callers: `reader` reads `orders` alone, `writer` may do everything to it, `eu` everything to the subjects of `.eu`.
async fn shop() -> Guarded {
    let all = ["read", "write", "delete", "configure"];
    let policy = [
        allow("reader", &["read"], &["subject:orders"]),
        allow("writer", &all, &["subject:orders"]),
        allow("eu", &all, &["subject::.eu:*"]),
        allow("ops", &all, &["context:.eu"]),
        allow("escaped", &["read"], &["subject:%6frders"]),
        allow("prefix", &["read"], &["subject::.*"]),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    for subject in ["orders", "secret", ":.eu:orders", ":.eu:secret"] {
        shop.register(subject, &record("Order")).await;
    }
    shop
}

async fn versions(shop: &Guarded, caller: &str, subject: &str) -> Said {
    shop.get(caller, &format!("/subjects/{subject}/versions")).await
}

/// 1.
#[tokio::test]
async fn a_subject_is_checked_by_its_name_decoded_once() {
    let shop = shop().await;
    for name in ["orders", "%6frders", "%6F%72ders", ":.:orders", "%3A.%3Aorders"] {
        versions(&shop, "reader", name).await.is(json!([1]));
    }
    for name in ["secret", "%73ecret", "%256frders", "orders%2F..%2Fsecret", "orders%2Fsecret"] {
        versions(&shop, "reader", name).await.denied();
    }
    // what is decoded twice elsewhere is another name here
    let message = "Subject '%6frders' not found.";
    versions(&shop, "escaped", "%256frders").await.is_error(404, 40401, message);
    versions(&shop, "escaped", "orders").await.denied();
}

/// 2.
#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_is_refused_or_is_the_name_that_it_spells() {
    let shop = shop().await;
    for path in [
        "/subjects/orders/%2e%2e/secret/versions",
        "/subjects//secret/versions",
        "/subjects/secret%00/versions",
        "/subjects/secret%C0%AE/versions",
        "/subjects/secret%0A/versions",
        "/subjects/orders%5C..%5Csecret/versions",
    ] {
        let said = shop.get("reader", path).await;
        assert_eq!((said.status, said.code()), (400, 400), "{path}: {said:?}");
    }
    for path in ["/subjects/orders/../secret/versions", "/schemas/types;x=1"] {
        let said = shop.get("reader", path).await;
        assert_eq!((said.status, said.code()), (404, 404), "{path}: {said:?}");
    }
    for name in ["secret;x=1", "orders;x=1"] {
        versions(&shop, "reader", name).await.denied();
    }
}

/// 3.
#[tokio::test]
async fn a_context_is_a_part_of_the_name_wherever_it_stands() {
    let shop = shop().await;
    for name in [":.eu:orders", "%3A.eu%3Aorders", ":.::.eu:orders"] {
        versions(&shop, "eu", name).await.is(json!([1]));
        versions(&shop, "reader", name).await.denied();
    }
    for path in ["/contexts/.eu/subjects/orders/versions", "/contexts/eu/subjects/orders/versions"]
    {
        shop.get("eu", path).await.is(json!([1]));
        shop.get("reader", path).await.denied();
    }
    // the subject's own context counts, not the one around it
    shop.get("reader", "/contexts/.eu/subjects/:.:orders/versions").await.is(json!([1]));
    shop.get("eu", "/contexts/.eu/subjects/:.:orders/versions").await.denied();
    shop.get("eu", "/contexts/.us/subjects/%3A.eu%3Aorders/versions").await.is(json!([1]));
    for name in ["orders", ":.:orders", ":.::.:orders", ":*:orders"] {
        versions(&shop, "eu", name).await.denied();
    }
}

/// 3: the default context's subject behind two prefixes is not one whose name begins with a context.
#[tokio::test]
async fn a_name_with_the_default_context_twice_is_the_name_without() {
    let shop = shop().await;
    versions(&shop, "prefix", ":.::.:orders").await.denied();
    versions(&shop, "prefix", ":.eu:orders").await.is(json!([1]));
    versions(&shop, "reader", ":.::.:orders").await.is(json!([1]));
}

/// 3.
#[tokio::test]
async fn the_configuration_of_a_context_is_a_right_on_the_context() {
    let shop = shop().await;
    for path in ["/config/%3A.eu%3A", "/config/:.eu", "/contexts/.eu/config"] {
        shop.put("eu", path, &json!({"compatibility": "NONE"})).await.denied();
        shop.put("ops", path, &json!({"compatibility": "NONE"})).await.ok();
    }
    for path in ["/mode/%3A.eu%3A", "/contexts/.eu/mode"] {
        shop.put("eu", path, &json!({"mode": "READONLY"})).await.denied();
        shop.put("ops", path, &json!({"mode": "READWRITE"})).await.ok();
    }
    for path in ["/config/:.:", "/config/:.__GLOBAL:", "/config", "/mode/:.:"] {
        shop.put("ops", path, &json!({"compatibility": "NONE", "mode": "READWRITE"}))
            .await
            .denied();
    }
    shop.put("ops", "/config/:.eu:orders", &json!({"compatibility": "NONE"})).await.denied();
}

/// 4.
#[tokio::test]
async fn an_alias_gives_no_right_on_the_subject_that_it_stands_for() {
    let all = ["read", "write", "delete", "configure"];
    let policy =
        [allow("alias", &all, &["subject:sales"]), allow("reader", &["read"], &["subject:orders"])];
    let shop = Guarded::new(&policy.concat()).await;
    let id = shop.register("orders", &record("Order")).await;
    shop.set("/config/sales", &json!({"alias": "orders"})).await;
    for (method, path) in [
        ("GET", "/subjects/sales/versions"),
        ("GET", "/subjects/sales/versions/1"),
        ("GET", "/contexts/./subjects/sales/versions/latest"),
        ("DELETE", "/subjects/sales"),
        ("DELETE", "/subjects/sales/versions/1"),
    ] {
        shop.send("alias", method, path, None).await.denied();
    }
    for path in
        ["/subjects/sales", "/subjects/sales/versions", "/compatibility/subjects/sales/versions"]
    {
        shop.post("alias", path, &record("Order")).await.denied();
    }
    let said = shop.get("alias", &format!("/schemas/ids/{id}?subject=sales")).await;
    said.is_error(404, 40403, &format!("Schema {id} not found"));
    // who may read the subject may read it by its other name
    versions(&shop, "reader", "sales").await.is(json!([1]));
    shop.get("reader", &format!("/schemas/ids/{id}?subject=sales")).await.ok();
    // and the alias says what it stands for to them alone
    assert_eq!(shop.get(ADMIN, "/config/sales").await.ok()["alias"], "orders");
    assert_eq!(shop.get("alias", "/config/sales").await.ok().get("alias"), None);
}

/// 4.
#[tokio::test]
async fn an_alias_is_set_by_whoever_may_read_the_subject_that_it_is_to_stand_for() {
    let policy = [
        allow("both", &["read", "configure"], &["subject:sales", "subject:orders"]),
        allow("one", &["read", "configure"], &["subject:sales", "subject::.eu:sales"]),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    shop.register("orders", &record("Order")).await;
    for alias in ["orders", "nothing", ":.eu:orders", ":.:orders"] {
        shop.put("one", "/config/sales", &json!({"alias": alias})).await.denied();
    }
    // an unqualified name is in the context of the alias
    shop.put("one", "/config/:.eu:sales", &json!({"alias": "orders"})).await.denied();
    shop.put("one", "/config/sales", &json!({"alias": ""})).await.ok();
    shop.put("both", "/config/sales", &json!({"alias": "orders"})).await.ok();
    versions(&shop, "both", "sales").await.is(json!([1]));
}

/// 5.
#[tokio::test]
async fn names_are_compared_byte_by_byte_and_as_a_whole() {
    let policy = [
        allow("reader", &["read"], &["subject:orders", "subject:caf\u{e9}"]),
        allow("prefix", &["read"], &["subject:orders-*"]),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    let others = [
        "Orders",
        "ORDERS",
        "orders%20",
        "%20orders",
        "orders.",
        "orders-value",
        "order",
        "xorders",
    ];
    for name in others {
        versions(&shop, "reader", name).await.denied();
    }
    for name in ["orders", "Orders-value", "xorders-value"] {
        versions(&shop, "prefix", name).await.denied();
    }
    for name in ["orders-value", "orders-", "orders-%F0%9F%98%80"] {
        assert_eq!(versions(&shop, "prefix", name).await.code(), 40401, "{name}");
    }
    // composed, and decomposed
    assert_eq!(versions(&shop, "reader", "caf%C3%A9").await.code(), 40401);
    versions(&shop, "reader", "cafe%CC%81").await.denied();
}

/// 15.
#[tokio::test]
async fn other_methods_say_no_more_than_their_own() {
    let shop = shop().await;
    for (path, status) in [("/subjects/secret/versions", 403), ("/subjects/orders/versions", 200)] {
        let said = shop.send("reader", "HEAD", path, None).await;
        assert_eq!((said.status, said.text.as_str()), (status, ""), "{path}");
    }
    for method in ["TRACE", "PATCH", "PROPFIND"] {
        let said = shop.send("reader", method, "/subjects/secret/versions", None).await;
        assert_eq!((said.status, said.code()), (405, 405), "{method}");
    }
    for path in ["/subjects/secret/versions", "/subjects/nothing/versions"] {
        let said = shop.send("reader", "OPTIONS", path, None).await;
        assert_eq!((said.status, said.text.as_str()), (200, ""), "{path}");
    }
}

/// 16.
#[tokio::test]
async fn a_header_or_parameter_does_not_change_the_method() {
    let shop = shop().await;
    let path = "/subjects/orders?_method=GET";
    let headers = [("x-http-method-override", "GET"), ("x-http-method", "GET")];
    shop.send_with("reader", "DELETE", path, None, &headers).await.denied();
    let headers = [("x-http-method-override", "DELETE")];
    let said = shop.send_with("writer", "GET", "/subjects/orders/versions", None, &headers).await;
    said.is(json!([1]));
    versions(&shop, "reader", "orders").await.is(json!([1]));
}

#[tokio::test]
async fn who_is_denied_hears_the_same_of_what_is_there_and_of_what_is_not() {
    let shop = shop().await;
    for (method, path) in [
        ("GET", "/subjects/NAME/versions"),
        ("GET", "/subjects/NAME/versions/7"),
        ("DELETE", "/subjects/NAME"),
        ("GET", "/config/NAME"),
        ("DELETE", "/mode/NAME"),
        ("GET", "/associations/subjects/NAME"),
    ] {
        let there = shop.send("reader", method, &path.replace("NAME", "secret"), None).await;
        let absent = shop.send("reader", method, &path.replace("NAME", "nothing"), None).await;
        there.denied();
        assert_eq!(there, absent, "{method} {path}");
    }
    for context in [".eu", ".us"] {
        shop.delete("reader", &format!("/contexts/{context}")).await.denied();
    }
}
