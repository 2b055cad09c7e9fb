//! The server half of the embedded endpoint: its start, and the end of its requests at shutdown.

use super::options::EmbedOptions;
use super::service::Embedded;
use super::ticker::Ticker;
use crate::error::Error;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::sockets::served_connections::ServedConnections;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};

/// An embedded endpoint that has not been started.
#[derive(Debug)]
pub(in crate::runtime) struct EmbeddedTransport(pub(in crate::runtime) EmbedOptions);

impl ServerTransport for EmbeddedTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Embedded
    }

    fn check(&self) -> Result<(), Error> {
        self.0.access().map(drop)
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Address
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let service = context.http().with_access(self.0.access()?);
        let ticker = Ticker::start(context, service.clone())?;
        let exchanges = ServedConnections::new(&context.lifecycle, 0);
        let embedded = Embedded::new(service, exchanges.connections.clone());
        Ok(Box::new(StartedEmbedded { embedded, exchanges, ticker }))
    }
}

struct StartedEmbedded {
    embedded: Embedded,
    exchanges: ServedConnections,
    ticker: Ticker,
}

impl Serving for StartedEmbedded {
    /// Ends the listen streams at once. Further requests are refused.
    fn begin_end(&self) {
        self.exchanges.begin_end();
        self.embedded.end_streams();
    }

    fn drain(&self) {
        self.exchanges.drain();
    }

    /// Waits until the program has taken all output, and drops the rest.
    fn flush(&self) {
        self.exchanges.flush();
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
        self.ticker.stop();
    }
}
