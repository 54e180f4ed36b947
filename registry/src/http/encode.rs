//! Answers in gzip, for clients that take them so.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::response::Response;
use futures_util::future::Either;
use tower::{Layer, Service};
use tower_http::compression::{Compression, CompressionLayer};

use super::negotiate::{Answering, Negotiated};

/// The API with answers as it makes them, and in gzip where a request asks for an encoding: those
/// that do not, go without what that costs.
#[derive(Clone)]
pub(super) struct Encoded {
    plain: Negotiated,
    compressed: Compression<Negotiated>,
}

impl Encoded {
    pub(super) fn new(plain: Negotiated) -> Encoded {
        Encoded { compressed: CompressionLayer::new().layer(plain.clone()), plain }
    }
}

impl Service<Request> for Encoded {
    type Response = Response;
    type Error = Infallible;
    type Future =
        Either<Answering, Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // routes always are
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !request.headers().contains_key(ACCEPT_ENCODING) {
            return Either::Left(self.plain.call(request));
        }
        let answer = self.compressed.call(request);
        Either::Right(Box::pin(async move { Ok(answer.await?.map(Body::new)) }))
    }
}
