//! The embedded endpoint as a transport: its start, and the end of its requests at shutdown.

use super::options::EmbedOptions;
use super::service::Embedded;
use super::ticker::Ticker;
use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::sockets::connections::{Connections, Phase};
use crate::runtime::transport::interface::{ServeContext, Serving, StartOrder, Transport};
use crate::runtime::transport::lifecycle::{FLUSH_TIMEOUT, Lifecycle};
use std::sync::Arc;

/// An embedded endpoint that has not been started.
#[derive(Debug)]
pub(in crate::runtime) struct EmbeddedTransport(pub(in crate::runtime) EmbedOptions);

impl Transport for EmbeddedTransport {
    fn check(&self) -> Result<(), Error> {
        self.0.access().map(drop)
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Address
    }

    fn is_embedded(&self) -> bool {
        true
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let shared = context.http(|| HttpService::with_engine(&context.engine, Access::public()));
        let service = shared.with_access(self.0.access()?);
        let ticker = Ticker::start(context, service.clone())?;
        let exchanges: Arc<Connections> = Arc::default();
        let embedded = Embedded::new(service, exchanges.clone());
        Ok(Box::new(StartedEmbedded { embedded, exchanges, ticker, lifecycle: context.lifecycle.clone() }))
    }
}

struct StartedEmbedded {
    embedded: Embedded,
    exchanges: Arc<Connections>,
    ticker: Ticker,
    lifecycle: Arc<Lifecycle>,
}

impl Serving for StartedEmbedded {
    /// Ends the listen streams at once. Further requests are refused.
    fn begin_end(&self) {
        self.lifecycle.on_earlier_deadline(self.exchanges.clone());
        self.exchanges.advance(Phase::Draining);
        self.embedded.end_streams();
    }

    fn drain(&self) {
        self.exchanges.wait(0, || self.lifecycle.deadline());
    }

    /// Waits until the program has taken all output, and drops the rest.
    fn flush(&self) {
        self.exchanges.wait(0, || self.lifecycle.deadline() + FLUSH_TIMEOUT);
        self.exchanges.advance(Phase::Dead);
    }

    fn close(&self) {
        self.ticker.stop();
        self.embedded.leave_sessions();
    }

    /// The address of the program's HTTP server is not known, so it counts as reachable from other machines.
    fn exposed(&self) -> Option<String> {
        Some("the program's own HTTP server".to_owned())
    }

    fn embedded(&self) -> Option<&Embedded> {
        Some(&self.embedded)
    }
}

impl Drop for StartedEmbedded {
    fn drop(&mut self) {
        self.exchanges.advance(Phase::Dead);
        self.ticker.stop();
    }
}
