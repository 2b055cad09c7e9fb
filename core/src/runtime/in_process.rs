//! Serving without a transport: clients in the process pass their messages to the engine directly.

use crate::error::Error;
use crate::runtime::transport::interface::{ServeContext, Serving, StartOrder, Transport};

#[derive(Debug)]
pub(super) struct InProcess;

impl Transport for InProcess {
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
