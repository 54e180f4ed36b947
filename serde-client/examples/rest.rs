//! Produces flights over the REST proxy, and consumes them again.
//!
//! With `weir dev` running: `cargo run -p weir-serde --example rest -- http://127.0.0.1:8082 flights-rest`.

use std::error::Error;

use serde_json::{Value, json};
use ureq::http::Request;

const AVRO: &str = "application/vnd.kafka.avro.v2+json";
const V2: &str = "application/vnd.kafka.v2+json";
const SCHEMA: &str = r#"{"type": "record", "name": "Flight", "fields": [
    {"name": "origin", "type": "string"}, {"name": "delay", "type": "int"}]}"#;

/// Sends a request, and returns what is answered; an error has the answer's text.
fn call(
    method: &str,
    url: &str,
    sends: &str,
    accepts: &str,
    body: Option<Value>,
) -> Result<Value, Box<dyn Error>> {
    let request = Request::builder().method(method).uri(url).header("Accept", accepts);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = match body {
        Some(body) => agent.run(request.header("Content-Type", sends).body(body.to_string())?)?,
        None => agent.run(request.body(())?)?,
    };
    let text = answer.body_mut().read_to_string()?;
    match (answer.status().is_success(), text.is_empty()) {
        (false, _) => Err(text.into()),
        (true, true) => Ok(Value::Null),
        (true, false) => Ok(serde_json::from_str(&text)?),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(rest), Some(topic)) = (args.next(), args.next()) else {
        return Err("usage: rest PROXY_URL TOPIC".into());
    };

    // produce: the proxy registers the schema, and writes the records as Avro
    let records = json!({"value_schema": SCHEMA, "records": [
        {"value": {"origin": "SFO", "delay": 14}}, {"value": {"origin": "LAX", "delay": -3}}]});
    let produced = call("POST", &format!("{rest}/topics/{topic}"), AVRO, "*/*", Some(records))?;
    for result in produced["offsets"].as_array().into_iter().flatten() {
        if let Some(error) = result["error"].as_str() {
            return Err(error.into()); // the answer is 200 although a record may have failed
        }
        println!("produced at offset {}", result["offset"]);
    }

    // consume: an instance in a group, which is subscribed, read, and deleted
    let settings =
        json!({"format": "avro", "auto.offset.reset": "earliest", "auto.commit.enable": false});
    let group = format!("{rest}/consumers/{topic}-readers");
    let created = call("POST", &group, V2, "*/*", Some(settings))?;
    let instance = created["base_uri"].as_str().ok_or("there is no base_uri")?;
    let topics = json!({"topics": [topic]});
    call("POST", &format!("{instance}/subscription"), V2, "*/*", Some(topics))?;
    let mut seen = 0;
    while seen < 2 {
        let url = format!("{instance}/records?timeout=10000");
        let records = call("GET", &url, V2, AVRO, None)?;
        for record in records.as_array().into_iter().flatten() {
            println!("consumed {}", record["value"]);
            seen += 1;
        }
    }
    call("POST", &format!("{instance}/offsets"), V2, "*/*", None)?; // commits what was read
    call("DELETE", instance, V2, "*/*", None)?;
    Ok(())
}
