//! Compressed bodies of requests and answers.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};
use weir_tests::{Answer, ProxyUnderTest, embedded_broker};

use crate::fixtures::*;

fn packed(encoding: &str, body: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut out = GzEncoder::new(Vec::new(), Compression::default());
            out.write_all(body).unwrap();
            out.finish().unwrap()
        }
        "deflate" => {
            let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
            out.write_all(body).unwrap();
            out.finish().unwrap()
        }
        "zstd" => zstd::encode_all(body, 0).unwrap(),
        _ => body.to_vec(),
    }
}

fn unpacked(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        "gzip" => GzDecoder::new(body).read_to_end(&mut out).map(drop).unwrap(),
        "deflate" => ZlibDecoder::new(body).read_to_end(&mut out).map(drop).unwrap(),
        "zstd" => out = zstd::decode_all(body).unwrap(),
        _ => out = body.to_vec(),
    }
    out
}

async fn post(proxy: &ProxyUnderTest, topic: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let request = proxy.api.request(Method::POST, &format!("/topics/{topic}"));
    let request = request.header(CONTENT_TYPE, JSON).header(CONTENT_ENCODING, encoding);
    proxy.api.send(request.body(body)).await
}

#[tokio::test]
async fn bodies_may_be_compressed() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for encoding in ["gzip", "deflate", "zstd", "identity"] {
        let body = records(&flights()).to_string();
        sent(&post(&proxy, &topic, encoding, packed(encoding, body.as_bytes())).await);
    }
    assert_eq!(native_read(&broker, &topic).await.len(), 12);
}

#[tokio::test]
async fn an_encoding_that_is_not_known_is_415() {
    let proxy = embedded_broker().proxy().await;
    for encoding in ["br", "compress", "gzip, gzip", "x"] {
        let answer = post(&proxy, "flights", encoding, b"{}".to_vec()).await;
        answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_400() {
    let proxy = embedded_broker().proxy().await;
    for encoding in ["gzip", "deflate", "zstd"] {
        let whole = packed(encoding, records(&flights()).to_string().as_bytes());
        refused(&post(&proxy, "flights", encoding, b"{\"records\":[]}".to_vec()).await, 400, 400);
        let cut = whole[..whole.len() / 2].to_vec();
        refused(&post(&proxy, "flights", encoding, cut).await, 400, 400);
    }
}

/// A gigabyte of zeros is a megabyte of gzip.
#[tokio::test]
async fn what_unpacks_to_too_much_is_413() {
    let proxy = embedded_broker().proxy().await;
    let mebibyte = vec![b' '; 1 << 20];
    for encoding in ["gzip", "zstd"] {
        let body = match encoding {
            "gzip" => {
                let mut out = GzEncoder::new(Vec::new(), Compression::fast());
                (0..1024).for_each(|_| out.write_all(&mebibyte).unwrap());
                out.finish().unwrap()
            }
            _ => {
                let mut out = zstd::Encoder::new(Vec::new(), 1).unwrap();
                (0..1024).for_each(|_| out.write_all(&mebibyte).unwrap());
                out.finish().unwrap()
            }
        };
        let answer = post(&proxy, "flights", encoding, body).await;
        answer.is_error(413, 413, "HTTP 413 Request Entity Too Large");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_who_accepts_it() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let values: Vec<Value> = (0..100).map(|n| json!({"flight": n})).collect();
    sent(&produce(&proxy, &topic, JSON, &records(&values)).await);
    for encoding in ["gzip", "deflate", "zstd", "identity"] {
        // all of them in one answer: librdkafka hands over one batch at a time
        let bytes: usize = values.iter().map(|value| value.to_string().len()).sum();
        let settings = json!({"format": "json", "fetch.min.bytes": bytes});
        let consumer = Consumer::new(&proxy, settings).await;
        consumer.assign(&topic, &[0]).await;
        let path = consumer.path("/records?timeout=60000");
        let request = consumer.api.request(Method::GET, &path).header(ACCEPT_ENCODING, encoding);
        let response = request.send().await.unwrap();
        let said = response.headers().get(CONTENT_ENCODING).cloned();
        let said = said.map_or("identity".to_string(), |v| v.to_str().unwrap().to_string());
        assert_eq!(said, encoding);
        let body = unpacked(encoding, &response.bytes().await.unwrap());
        let found: Vec<Value> = serde_json::from_slice(&body).unwrap();
        assert_eq!(found.iter().map(|r| r["value"].clone()).collect::<Vec<_>>(), values);
    }
    // what is short is not worth it
    let request = proxy.api.request(Method::GET, "/brokers").header(ACCEPT_ENCODING, "gzip");
    let answer = proxy.api.send(request).await;
    assert_eq!(answer.headers.get(CONTENT_ENCODING), None);
}
