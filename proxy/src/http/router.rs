//! The API's table of contents, in the order of the reference.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post};

use super::{answer, brokers, consumers, negotiate, topics};
use crate::Proxy;

/// The proxy's API.
pub fn router(proxy: Proxy) -> Router {
    Router::new()
        .route("/", get(brokers::root).post(brokers::root))
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
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(from_fn(negotiate::negotiate))
        .with_state(proxy)
}
