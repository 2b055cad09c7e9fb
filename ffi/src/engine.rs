//! The engine behind a server. The tests that count instructions pass calls to it without a transport. It is not part
//! of the library.

use crate::abi::args::object;
use crate::servers::server::tenon_server;
use tenon_mcp::transport::Engine;

/// The engine of a server that has started.
///
/// # Safety
///
/// `server` is one that `tenon_server_new` made and `tenon_server_free` has not freed.
pub unsafe fn engine(server: *const tenon_server) -> Option<Engine> {
    // SAFETY: by contract of this function.
    let server = unsafe { object(server, "server") }.ok()?;
    server.inner.started().ok().map(|started| started.engine().clone())
}
