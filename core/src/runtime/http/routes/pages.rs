//! The route of the fixed pages. It also answers 404 for all paths that no other route has.

use crate::dispatch::path_pattern::PathPattern;
use crate::dispatch::web_pages::WebPage;
use crate::proto::http::{ALLOW_PAGE, Access, has_current};
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{add_cors, drain_and_refuse, empty, refused};
use crate::runtime::http::routes::route::{
    Answer, Answering, RouteConfig, RouteHandler, RouteRequest, RouteTarget,
};
use crate::runtime::http::service::http_service::HttpService;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use std::pin::pin;
use std::sync::Arc;

/// The fixed pages of one listener, and the hosts and origins that they accept.
struct FixedPages {
    service: HttpService,
    access: Access,
    /// The origins that may show the pages in a frame, as a `Content-Security-Policy`.
    framing: Option<HeaderValue>,
}

/// The route of the pages. It has all paths that no other route has.
pub(in crate::runtime::http) fn route(service: &HttpService) -> RouteConfig {
    let service = service.clone();
    RouteConfig {
        name: "the fixed pages",
        path: PathPattern::Prefix("/".to_owned()),
        methods: None,
        handler: Box::new(|access| {
            RouteTarget::Other(Arc::new(FixedPages { framing: access.frame_ancestors(), access, service }))
        }),
    }
}

impl RouteHandler for FixedPages {
    fn answer<'r>(
        &'r self,
        request: RouteRequest<'r>,
        _connection: &'r Arc<ConnectionState>,
    ) -> Answering<'r> {
        Box::pin(async { Answer::Response(self.page(request).await) })
    }
}

impl FixedPages {
    async fn page<B: Body<Data = Bytes>>(&self, request: Request<B>) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let response = match self.service.engine().0.pages.find(head.uri.path()) {
            None => empty(StatusCode::NOT_FOUND),
            Some(page) => match self.access.check_page(&head.method, &head.uri, &head.headers) {
                Err(refusal) => refused(refusal),
                Ok(origin) => {
                    let mut response = match head.method {
                        Method::OPTIONS => self.preflight(&head, origin),
                        _ => self.show(&page, &head),
                    };
                    // A cache must not return the response for one origin to a page of another origin.
                    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
                    add_cors(origin, &mut response);
                    response
                }
            },
        };
        drain_and_refuse(response, &head, pin!(body)).await
    }

    fn preflight(&self, head: &Parts, origin: Option<&HeaderValue>) -> Response<ResponseBody> {
        let mut response = empty(StatusCode::NO_CONTENT);
        *response.headers_mut() = self.access.preflight(ALLOW_PAGE, &head.headers, origin);
        response
    }

    fn show(&self, page: &WebPage, head: &Parts) -> Response<ResponseBody> {
        let current = has_current(&head.headers, &page.etag);
        let shown = match current || head.method == Method::HEAD {
            true => ResponseBody::empty(),
            false => ResponseBody::whole(page.body.clone()),
        };
        let mut response = Response::new(shown);
        if current {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        let mut insert = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        insert(header::ETAG, &page.etag);
        insert(header::CACHE_CONTROL, "no-cache");
        if !current {
            insert(header::CONTENT_TYPE, &page.content_type);
            insert(header::CONTENT_LENGTH, &page.body.len().to_string());
            insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        }
        if let Some(framing) = &self.framing {
            headers.insert(header::CONTENT_SECURITY_POLICY, framing.clone());
        }
        response
    }
}
