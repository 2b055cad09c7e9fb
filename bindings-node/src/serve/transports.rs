//! The transports of a server, from the options of `listen()`. The engine reads and checks them.

use crate::error::{Result, invalid, to_js};
use crate::register::values::json;
use napi_derive::napi;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use tenon_mcp::__private::unknown_transport;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::json::Kind;
use tenon_mcp::{JsonSlice, Running, ServeOptions, Settings, Spelling};

/// The options of `listen()` that are no transports.
const LISTEN: [&str; 1] = ["signals"];

/// The transports of one `listen()`.
#[napi(object)]
pub struct ListenOptions {
    /// The transports that the program named, as JSON text.
    pub transports: Option<String>,
    /// The options for requests of the program's own HTTP server, as JSON text. Then there are no other transports.
    pub embedded: Option<String>,
    /// Whether the references to the functions that take batches are weak. Then the caller keeps these functions.
    pub collectable: bool,
    /// Whether signals end the server, and the process ends with it.
    pub owner: bool,
}

impl ListenOptions {
    /// The options for the engine. If there are none, only clients in the process are served.
    pub(crate) fn serve(&self, settings: Option<&Settings>) -> Result<ServeOptions> {
        let serve = ServeOptions::new();
        match (&self.transports, &self.embedded) {
            (Some(text), _) => transports(&json(text.clone()), settings),
            (None, Some(text)) => embedded("embedded", &json(text.clone())).map(|own| serve.embedded(own)),
            (None, None) => Ok(serve.in_process()),
        }
    }
}

/// The transports that a program named, or else those of its settings.
fn transports(options: &JsonSlice, settings: Option<&Settings>) -> Result<ServeOptions> {
    let others = LISTEN.map(str::to_owned);
    for member in options.members() {
        let name = member.name(options.as_bytes());
        if let Some(unknown) = unknown_transport(&name, Spelling::Node, &others) {
            return Err(invalid(unknown));
        }
    }
    let names_none = options.kind() == Kind::Object
        && options.members().all(|member| options.subslice(member.value).kind() == Kind::Null);
    if names_none
        && let Some(settings) = settings
        && let Some(serve) = settings.serve_options().map_err(to_js)?
    {
        return Ok(serve);
    }
    ServeOptions::from_options(options, Spelling::Node, duplicate).map_err(to_js)
}

fn embedded(what: &str, options: &JsonSlice) -> Result<EmbedOptions> {
    EmbedOptions::from_options(what, options, Spelling::Node).map_err(to_js)
}

/// Checks options for requests of the program's own HTTP server. Returns the same text for options that mean the same.
#[napi(catch_unwind)]
// Test builds leave out the exported functions.
#[cfg_attr(test, allow(dead_code))]
pub fn embed_options(what: String, options: String) -> Result<String> {
    let options = embedded(&what, &json(options))?;
    Ok(options.to_options(Spelling::Node).as_str().to_owned())
}

/// A duplicate of the descriptor. The program keeps its own descriptor.
fn duplicate(descriptor: i32) -> io::Result<OwnedFd> {
    // SAFETY: the engine asks for numbers from 0. It is only duplicated, which fails if it is not open.
    unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()
}

/// What JavaScript needs to know of a server that listens.
#[napi(object)]
pub struct Listening {
    pub url: Option<String>,
    pub websocket_url: Option<String>,
    pub sse_url: Option<String>,
    /// Whether calls run already. Otherwise the dispatch function is notified whether the start succeeds.
    pub started: bool,
    /// Whether the process's own input and output are served.
    pub stdio: bool,
    /// The options for requests of the program's own HTTP server, as `embedOptions` returns them.
    pub embedded: Option<String>,
}

impl Listening {
    pub(crate) fn new(options: &ServeOptions) -> Listening {
        let embedded = options.embed_options().map(|own| own.to_options(Spelling::Node).as_str().to_owned());
        let stdio = options.has_standard_io();
        Listening { url: None, websocket_url: None, sse_url: None, started: false, stdio, embedded }
    }

    pub(crate) fn running(self, running: Option<&Running>, started: bool) -> Listening {
        Listening {
            url: running.and_then(Running::http_url),
            websocket_url: running.and_then(Running::websocket_url),
            sse_url: running.and_then(Running::sse_url),
            started,
            ..self
        }
    }
}
