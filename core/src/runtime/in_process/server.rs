//! The server half of clients in the process: nothing starts and nothing ends.

use crate::error::Error;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};

/// The options of clients in the process. There are none.
#[derive(Debug)]
pub(in crate::runtime) struct InProcess;

impl ServerTransport for InProcess {
    fn kind(&self) -> TransportKind {
        TransportKind::InProcess
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, _: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        Ok(self)
    }
}

impl Serving for InProcess {
    fn begin_end(&self) {}

    fn drain(&self) {}

    fn flush(&self) {}

    fn close(&self) {}
}
