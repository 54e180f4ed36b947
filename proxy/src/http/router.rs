//! The API's table of contents, in the order of the reference.

use axum::Router;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use tower::util::option_layer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};
use tower_http::decompression::RequestDecompressionLayer;
use weir_http::Routes;

use super::access;
use super::answer::{self, Unbuffered};
use super::v2::{brokers, consumers, negotiate, topics};
use super::{docs, front, limit, metrics, probes, v3};
use crate::Proxy;

/// Bytes of an answer below which compressing it gains nothing.
const COMPRESSED_BYTES_MIN: u16 = 512;

/// The proxy's API.
pub fn router(proxy: Proxy) -> Router {
    let mut apis = Routes::new("proxy")
        .route("/v1/access/check", get(access::check))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(docs::json))
        .route("/openapi.yaml", get(docs::yaml))
        .route("/docs", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        .into_router();
    // who asks how the proxy is has no limit
    let probes = Routes::new("proxy")
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/startupz", get(probes::startupz))
        .into_router();
    let v3 = v3();
    if proxy.config.v2 {
        apis = apis.merge(v2());
    }
    if proxy.config.v3 {
        // also as brokers that have the API built in have it
        apis = apis.merge(v3.clone()).nest("/kafka", v3);
    }
    let routes = apis
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(option_layer(
            proxy.limits.any().then(|| from_fn_with_state(proxy.clone(), limit::limit)),
        ))
        .merge(probes)
        .layer(from_fn(negotiate::negotiate))
        .layer(CompressionLayer::new().compress_when(compressible()))
        // what it does not know is refused where the body is read
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .with_state(proxy);
    front::tolerant(routes)
}

fn compressible() -> And<SizeAbove, impl Predicate> {
    let whole = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
        extensions.get::<Unbuffered>().is_none()
    };
    SizeAbove::new(COMPRESSED_BYTES_MIN).and(whole)
}

fn v2() -> Router<Proxy> {
    Routes::new("proxy")
        .route("/", get(brokers::root).post(brokers::root_of))
        .route("/brokers", get(brokers::list))
        // Topics and partitions
        .route("/topics", get(topics::list))
        .route("/topics/{topic}", get(topics::get).post(topics::produce))
        .route("/topics/{topic}/partitions", get(topics::partitions))
        .route(
            "/topics/{topic}/partitions/{partition}",
            get(topics::partition).post(topics::produce_to_partition),
        )
        .route("/topics/{topic}/partitions/{partition}/offsets", get(topics::offsets))
        // Consumers
        .route("/consumers/{group}", post(consumers::create))
        .route("/consumers/{group}/instances/{instance}", delete(consumers::delete))
        .route(
            "/consumers/{group}/instances/{instance}/subscription",
            get(consumers::subscription).post(consumers::subscribe).delete(consumers::unsubscribe),
        )
        .route(
            "/consumers/{group}/instances/{instance}/assignments",
            get(consumers::assignments).post(consumers::assign),
        )
        .route("/consumers/{group}/instances/{instance}/records", get(consumers::records))
        .route(
            "/consumers/{group}/instances/{instance}/offsets",
            get(consumers::committed).post(consumers::commit),
        )
        .route("/consumers/{group}/instances/{instance}/positions", post(consumers::seek))
        .route(
            "/consumers/{group}/instances/{instance}/positions/beginning",
            post(consumers::seek_to_beginning),
        )
        .route(
            "/consumers/{group}/instances/{instance}/positions/end",
            post(consumers::seek_to_end),
        )
        .into_router()
}

#[rustfmt::skip] // a line each
fn v3() -> Router<Proxy> {
    use v3::{acls, brokers, clusters, configs, groups, lags, offsets, partitions, produce, records, topics};
    Routes::new("proxy")
        .route("/v3/clusters", get(clusters::list))
        .route("/v3/clusters/{cluster}", get(clusters::get))
        // ACLs
        .route("/v3/clusters/{cluster}/acls", get(acls::list).post(acls::create).delete(acls::delete))
        .route("/v3/clusters/{cluster}/acls:batch", post(acls::create_all))
        // Configurations of all brokers
        .route("/v3/clusters/{cluster}/broker-configs", get(configs::of_cluster))
        .route("/v3/clusters/{cluster}/broker-configs:alter", post(configs::alter_cluster))
        .route("/v3/clusters/{cluster}/broker-configs/{name}", get(configs::of_cluster_one).put(configs::set_of_cluster).delete(configs::reset_of_cluster))
        // Brokers
        .route("/v3/clusters/{cluster}/brokers", get(brokers::list))
        .route("/v3/clusters/{cluster}/brokers/-/configs", get(configs::of_brokers))
        .route("/v3/clusters/{cluster}/brokers/{broker}", get(brokers::get))
        .route("/v3/clusters/{cluster}/brokers/{broker}/configs", get(configs::of_broker))
        .route("/v3/clusters/{cluster}/brokers/{broker}/configs:alter", post(configs::alter_broker))
        .route("/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", get(configs::of_broker_one).put(configs::set_of_broker).delete(configs::reset_of_broker))
        .route("/v3/clusters/{cluster}/brokers/{broker}/partition-replicas", get(brokers::replicas))
        // Consumer groups
        .route("/v3/clusters/{cluster}/consumer-groups", get(groups::list))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}", get(groups::get).delete(groups::delete))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/consumers", get(groups::consumers))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}", get(groups::consumer))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments", get(groups::assignments))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}", get(groups::assignment))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/lag-summary", get(lags::summary))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/lags", get(lags::list))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/lags/{topic}/partitions/{partition}", get(lags::get))
        .route("/v3/clusters/{cluster}/consumer-groups/{group}/offsets:reset", post(offsets::reset))
        // Topics
        .route("/v3/clusters/{cluster}/topics", get(topics::list).post(topics::create))
        .route("/v3/clusters/{cluster}/topics/-/configs", get(configs::of_topics))
        .route("/v3/clusters/{cluster}/topics/-/configs:alter", post(configs::alter_topics))
        .route("/v3/clusters/{cluster}/topics/-/partitions/-/reassignment", get(partitions::reassignments))
        .route("/v3/clusters/{cluster}/topics/{topic}", get(topics::get).patch(topics::grow).delete(topics::delete))
        .route("/v3/clusters/{cluster}/topics/{topic}/configs", get(configs::of_topic))
        .route("/v3/clusters/{cluster}/topics/{topic}/configs:alter", post(configs::alter_topic))
        .route("/v3/clusters/{cluster}/topics/{topic}/configs/{name}", get(configs::of_topic_one).put(configs::set_of_topic).delete(configs::reset_of_topic))
        // Partitions
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions", get(partitions::list))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/-/reassignment", get(partitions::reassignments_of_topic))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}", get(partitions::get))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/offset", get(partitions::offset))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/reassignment", get(partitions::reassignment))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/records", get(records::read))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/records:delete", post(partitions::delete_records))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas", get(partitions::replicas))
        .route("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas/{broker}", get(partitions::replica_on))
        // Records
        .route("/v3/clusters/{cluster}/topics/{topic}/records", post(produce::stream))
        .route("/v3/clusters/{cluster}/topics/{topic}/records:batch", post(produce::batch))
        .into_router()
}
