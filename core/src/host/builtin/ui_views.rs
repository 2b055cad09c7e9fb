//! Checks that each view that a tool names can be read as a resource (AP-5).

use crate::error::{Error, ErrorKind};
use crate::host::engine::Engine;
use crate::proto::catalog::kind::Kind;
use crate::proto::operation::Op;
use std::sync::atomic::Ordering;

impl Engine {
    /// Checks that every view that a tool names can be read. The check runs when the server starts, so that views and
    /// tools can be registered in any order.
    pub(crate) fn check_views(&self) -> Result<(), Error> {
        for (tool, _) in self.0.catalog.all(Kind::Tool) {
            if let Some(view) = tool.definition().view() {
                self.check_view(&tool.to_string(), &view)?;
            }
        }
        Ok(())
    }

    /// Does the same for a tool that is registered while the server is served.
    pub(crate) fn check_view_now(&self, tool: &str, view: &str) -> Result<(), Error> {
        if self.0.serving.load(Ordering::Acquire) { self.check_view(tool, view) } else { Ok(()) }
    }

    fn check_view(&self, tool: &str, view: &str) -> Result<(), Error> {
        let catalog = &self.0.catalog;
        let exists = catalog.get(Kind::Resource, view).is_some()
            || catalog.snapshot().template(view).is_some()
            // If the program answers `resources/read` itself, only the program knows what exists.
            || catalog.get(Kind::Method, Op::ResourcesRead.name()).is_some();
        if exists {
            return Ok(());
        }
        let text = format!("{tool} names the view {view:?}, which does not exist; register it with ui");
        Err(Error::new(ErrorKind::NotFound, text))
    }
}
