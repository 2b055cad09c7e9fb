//! The server half of WebSocket: a path of its own listener, or of a listener that another transport has started.

use super::connection::serve;
use super::handshake::accept;
use crate::error::Error;
use crate::proto::http::{Access, Refusal};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::listener::served_path::ServedPath;
use crate::runtime::http::response::responses::refuse_upgrade;
use crate::runtime::http::routes::route::{
    Answer, Answering, Methods, RouteConfig, RouteHandler, RouteRequest, RouteTarget,
};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::options::web::WebSocketTransport;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};
use http::Method;
use http_body::Body;
use std::sync::Arc;

const METHODS: Methods = Methods {
    allowed: &[Method::GET],
    refusal: || Refusal::only_get("Method not allowed: open a WebSocket with GET"),
};

impl ServerTransport for WebSocketTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::WebSocket
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let service = context.http().clone();
        let route = RouteConfig {
            name: TransportKind::WebSocket.row().title,
            path: self.endpoint.path.as_str().into(),
            methods: Some(METHODS),
            handler: Box::new(|access| RouteTarget::Other(Arc::new(WebSocketRoute { service, access }))),
        };
        Ok(Box::new(ServedPath::at(context, TransportKind::WebSocket, &self.endpoint, vec![route])?))
    }
}

/// Opens WebSockets.
struct WebSocketRoute {
    service: HttpService,
    /// The hosts and origins that may open a WebSocket.
    access: Access,
}

impl RouteHandler for WebSocketRoute {
    fn answer<'r>(
        &'r self,
        request: RouteRequest<'r>,
        connection: &'r Arc<ConnectionState>,
    ) -> Answering<'r> {
        Box::pin(async {
            let (head, body) = request.into_parts();
            let head = Arc::new(head);
            let response = match accept(&head, &self.access) {
                Ok(response) => response,
                Err(refusal) => {
                    return Answer::Response(refuse_upgrade(Some(refusal), &head, body).await);
                }
            };
            let caller = Caller::on(connection);
            let principal = match self.service.principal(&head, caller).await {
                Ok(principal) => principal,
                Err(refusal) => {
                    let response = self.service.refuse_principal(refusal, &head, &body, caller);
                    return Answer::Response(response);
                }
            };
            let address = self.service.forwarded(&head, caller).client;
            match caller.stream() {
                Ok(part) if body.is_end_stream() => Answer::Upgrade(Box::new(move |upgraded| {
                    Box::pin(async move {
                        let _part = part;
                        serve(upgraded, response, (principal, address)).await;
                    })
                })),
                refused => Answer::Response(refuse_upgrade(refused.err(), &head, body).await),
            }
        })
    }
}
