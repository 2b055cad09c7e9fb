//! The endpoint as a `tower` service (feature `tower`).

use crate::runtime::http::embedded::{Embedded, EmbeddedBody};
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::service::http_service::HttpService;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Answers every path, so the router must pass in only requests for this endpoint. Needs the feature `tower`.
///
/// ```
/// # use tenon_mcp::{Server, http::{Access, HttpService}};
/// # use tower_service::Service;
/// let server = Server::new("demo", "1.0.0");
/// let mut service = HttpService::new(&server, Access::default());
/// // In a router: Router::new().route_service("/mcp", service)
/// let request = http::Request::post("/mcp").body(String::new()).unwrap();
/// let response = service.call(request);
/// # let _ = response;
/// ```
impl<B> Service<Request<B>> for HttpService
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Infallible>> + Send>>;

    /// Always ready. Requests beyond the limits are answered with 503.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}

/// Answers every path; see [`Embedded`]. Needs the feature `tower`.
impl<B> Service<Request<B>> for Embedded
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<EmbeddedBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<EmbeddedBody>, Infallible>> + Send>>;

    /// Always ready. Requests beyond the limits are answered with 503.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}
