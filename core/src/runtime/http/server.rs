//! The server half of Streamable HTTP: a listener with the path of the endpoint.

use crate::error::Error;
use crate::runtime::http::listener::config::ListenerConfig;
use crate::runtime::http::listener::served_path::ServedPath;
use crate::runtime::http::routes::route::{RouteConfig, RouteTarget};
use crate::runtime::options::http::{HttpTransport, ListenAddress};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::unix;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};

impl ServerTransport for HttpTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Http
    }

    fn check(&self) -> Result<(), Error> {
        match &self.place {
            ListenAddress::Address(_) => Ok(()),
            ListenAddress::Unix(unix) => unix::check_mode(unix.mode),
            ListenAddress::Socket(socket) => inherited_sockets::inspect(socket).map(drop),
        }
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Address
    }

    /// Binds the address. Connections are accepted after all transports have started.
    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        self.allowed.check(&format!("{} ", TransportKind::Http.row().name))?;
        let service = context.http().clone();
        let endpoint = RouteConfig {
            name: TransportKind::Http.row().title,
            path: self.path.as_str().into(),
            methods: None,
            handler: Box::new(move |access| RouteTarget::Mcp(service.with_access(access))),
        };
        let config = ListenerConfig::new(context, self.place, self.allowed, vec![endpoint]);
        Ok(Box::new(ServedPath::listen(context, TransportKind::Http, config)?))
    }
}
