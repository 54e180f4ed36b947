//! ApiVersions, and requests that the broker does not know.

use bytes::{Buf, BufMut, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::script::{Script, api_name};

pub async fn script(s: &mut Script) {
    let named = |name: &'static str, version: &'static str| {
        ApiVersionsRequest::default()
            .with_client_software_name(name.into())
            .with_client_software_version(version.into())
    };
    s.each_as(
        "well",
        |version| if version < 3 { named("", "") } else { named("weir", "1.0") },
        bare,
    )
    .await;
    for (label, name, version) in
        [("no name", "", "1"), ("strange name", "a b!", "1"), ("strange version", "a", "1 2")]
    {
        s.each_as(label, |_| named(name, version), bare).await;
    }
    let apis = s.quiet(named("weir", "1.0")).await.map(|answer| answer.api_keys);
    for api in apis.unwrap_or_default() {
        let label = format!("api: {}", api_name(api.api_key));
        s.note(&label, &(api.min_version, api.max_version));
    }
    for (label, key, version) in [
        ("version 5 of ApiVersions", 18, 5),
        ("version 32767 of ApiVersions", 18, i16::MAX),
        ("version -1 of ApiVersions", 18, -1),
        ("version 99 of Metadata", 3, 99),
        ("version -1 of Metadata", 3, -1),
        ("version 2 of Produce", 0, 2),
        ("key 999", 999, 0),
        ("key -1", -1, 0),
    ] {
        frame(s, label, key, version).await;
    }
}

fn bare(answer: &mut ApiVersionsResponse) {
    answer.api_keys.clear();
    answer.supported_features.clear();
    answer.finalized_features.clear();
    answer.finalized_features_epoch = 0;
}

/// Sends a header and nothing more; that it has no tagged fields is a byte that old headers lack.
async fn frame(s: &mut Script, label: &str, key: i16, version: i16) {
    let mut frame = BytesMut::new();
    frame.put_i16(key);
    frame.put_i16(version);
    frame.put_i32(4711);
    frame.put_i16(-1);
    frame.put_u8(0);
    let sent = s.client.send_frame(&frame).await;
    let answer = match sent {
        Ok(()) => s.client.receive_frame().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(mut answer) => {
            let correlation = answer.get_i32();
            let error = answer.get_i16();
            s.note(label, &("correlation", correlation, "error", error));
        }
        Err(error) => {
            s.note(label, &error);
            s.client.reconnect().await;
        }
    }
}
