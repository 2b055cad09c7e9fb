//! The options of transports.

use super::types::*;
use crate::dispatch::options::values::OptionValue;
use crate::dispatch::options::{Access, OptionRow, Owners, options};

/// Transports that listen on a TCP address.
const ADDRESSES: Owners = Owners::Transports(&["http", "websocket", "sse"]);

/// Transports that web pages can reach.
const PAGES: Owners = Owners::Transports(&["http", "websocket", "sse", "embedded"]);

/// Transports whose requests may have headers of web pages. A page cannot add headers to a WebSocket.
const HEADERS: Owners = Owners::Transports(&["http", "sse", "embedded"]);

options! {
    /// The options of one transport.
    TransportOptions in runtime::options::types;
    group address_options at ADDRESSES; {
        /// The host name or the IP address to bind. Default: `127.0.0.1`.
        host: Host;
        /// The port; 0 for a free one. Without a port, `websocket` and `sse` are served on a path of the first address of
        /// `http`. In Python, the default of `http` is 8000.
        port: Port;
        /// The path of the endpoint, percent-encoded as in a request. Default: `/mcp` for `http`, `/ws` for `websocket`, and
        /// `/sse` for `sse`, whose messages are posted to `messages` beside it. It is accepted with and without a slash at
        /// its end.
        path: UrlPath;
    }
    group unix_options at Owners::Transports(&["http"]); {
        /// The path of a Unix socket to listen on, instead of host and port. It has at most 107 bytes.
        unix: SocketPath;
    }
    group file_path_options at Owners::Transports(&["unix"]); {
        /// The path of the socket, at most 107 bytes.
        file: SocketPath, name: "path";
    }
    group file_options at Owners::Transports(&["http", "unix"]); {
        /// The permissions of the socket's file, independent of the process's umask. Users that may write to the file may
        /// connect. Default: `0o600`, only the user that the server runs as. The largest value is `0o777`. Other addresses
        /// have no file.
        mode: FileMode;
    }
    group socket_options at Owners::Transports(&["http"]); {
        /// A listening socket of the program, TCP or Unix, instead of host and port. It is duplicated, and becomes
        /// non-blocking, even for other processes that share it.
        socket: Descriptor;
    }
    group access_options at PAGES; {
        /// The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback address
        /// accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host. On an address
        /// of `http`, `websocket` and `sse` have the hosts and origins of `http`, unless hosts or origins are set for them.
        /// The start fails if a name is not a valid host.
        allowed_hosts: Names;
        /// The origins (`scheme://host[:port]`) whose web pages may send requests. `*` means every origin, and `null` means
        /// pages that have no origin. Pages of loopback hosts may always send requests to a loopback address, and to the
        /// program's own HTTP server if the request names a loopback host. Other pages are answered with 403. The start fails
        /// if a text is not a valid origin.
        allowed_origins: Names;
    }
    group header_options at HEADERS; {
        /// The request headers that pages of allowed origins may send. The headers of the protocol, `Authorization`,
        /// `Content-Type` and `Accept` are always allowed. `*` means every header. A browser asks for these headers in a CORS
        /// preflight, and does not send a header that is not allowed. On an address of `http`, those of `sse` are added to
        /// those of `http`, unless hosts or origins are set for `sse`. The start fails if a text is not a valid header name.
        allowed_headers: Names;
    }
}
