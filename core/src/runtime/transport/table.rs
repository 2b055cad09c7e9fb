//! The table of transports: what the rest of the engine knows about each of them.
//!
//! Each transport is one folder. `server.rs` in it has its server half, which is made from the options that a program
//! passes: these options implement [`ServerTransport`](super::interface::ServerTransport).

/// One row of the table.
#[derive(Debug)]
pub struct TransportKind {
    /// The name of the transport in the options of a start. Errors about its options begin with it.
    pub name: &'static str,
    /// The name of the transport in sentences.
    pub title: &'static str,
    /// The scheme of the URLs for clients; empty if clients need no URL.
    pub scheme: &'static str,
    /// The path of the URLs if the program names none; empty if clients need no URL.
    pub default_path: &'static str,
    /// What a start does with options for this transport if it already has some.
    pub repeated: Repeated,
}

/// What a start does with further options for the same transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// The transport is served once more.
    Added,
    /// The first options stay.
    Ignored,
    /// The last options apply.
    Replaces,
}

impl PartialEq for TransportKind {
    fn eq(&self, other: &TransportKind) -> bool {
        self.name == other.name
    }
}

/// A transport whose clients need no URL, and that a start may serve several times.
const fn kind(name: &'static str, title: &'static str) -> TransportKind {
    TransportKind { name, title, scheme: "", default_path: "", repeated: Repeated::Added }
}

pub(in crate::runtime) static STDIO: TransportKind =
    TransportKind { repeated: Repeated::Ignored, ..kind("stdio", "standard input and output") };
pub(in crate::runtime) static DESCRIPTORS: TransportKind = kind("descriptors", "a pair of descriptors");
pub(in crate::runtime) static UNIX: TransportKind = kind("unix", "lines on a Unix socket");
pub(in crate::runtime) static SOCKET: TransportKind = kind("socket", "lines on a socket of the program");
pub(in crate::runtime) static STREAM: TransportKind = kind("stream", "lines on a stream of the program");
pub(in crate::runtime) static HTTP: TransportKind =
    TransportKind { scheme: "http", default_path: "/mcp", ..kind("http", "Streamable HTTP") };
pub(in crate::runtime) static SSE: TransportKind =
    TransportKind { scheme: "http", default_path: "/sse", ..kind("sse", "HTTP+SSE") };
pub(in crate::runtime) static WEBSOCKET: TransportKind =
    TransportKind { scheme: "ws", default_path: "/ws", ..kind("websocket", "WebSocket") };
pub(in crate::runtime) static EMBEDDED: TransportKind =
    TransportKind { repeated: Repeated::Replaces, ..kind("embedded", "the program's own HTTP server") };
pub(in crate::runtime) static IN_PROCESS: TransportKind = kind("in_process", "clients in the process");

/// All transports, in the order of the documentation.
pub static TRANSPORTS: [&TransportKind; 10] =
    [&STDIO, &DESCRIPTORS, &UNIX, &SOCKET, &STREAM, &HTTP, &SSE, &WEBSOCKET, &EMBEDDED, &IN_PROCESS];
