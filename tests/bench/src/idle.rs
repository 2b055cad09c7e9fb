//! The memory of a session that has its event stream open and does nothing.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clients::http::HttpLoad;
use crate::cpu::Cores;
use crate::run::with_server;
use crate::targets::{Paths, TARGETS, Transport};

/// The engine keeps sessions alike in all languages; this one has the least beside them.
pub const SERVER: &str = "rust-async";

/// Bytes per session: the growth of the server's memory from a few of them, as many as warm it up, to `sessions` more.
pub fn measure(sessions: usize, places: &Paths, cores: Option<Cores>) -> Result<f64, String> {
    allow_descriptors(sessions as u64 + 200)?;
    let target = TARGETS.iter().find(|target| target.name == SERVER).expect("one of the targets");
    with_server(&places.resolve(target.command, false), Transport::Http, cores, |server| {
        let address = server.listening()?;
        let _few = HttpLoad::listening(address, 16)?;
        let before = server.memory()?;
        let _many = HttpLoad::listening(address, sessions)?;
        let after = server.memory()?;
        Ok(after.saturating_sub(before) as f64 / sessions as f64)
    })
}

/// Servers inherit the limit.
fn allow_descriptors(wanted: u64) -> Result<(), String> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(wanted.min(now.maximum.unwrap_or(wanted))), ..now };
    setrlimit(Resource::Nofile, raised).map_err(|e| format!("descriptors for {wanted} sessions: {e}"))
}
