//! The table of transports: their names, and the forms of their values.

use super::table::TransportOptions;
use crate::dispatch::options::{Form, OptionRow, Options, Owner, Spelling};

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// Standard input and output, or two descriptors.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// Lines on a Unix socket.
    Unix,
    /// Lines on a socket of the program.
    Socket,
    /// Lines on a stream of the program.
    Stream,
    /// WebSocket.
    WebSocket,
    /// HTTP+SSE of 2024-11-05.
    Sse,
    /// Requests of the program's own HTTP server.
    Embedded,
    /// Clients in the process.
    InProcess,
}

/// A form that the value of a transport may have. All forms are short for options, or for descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// `true` for the transport with its defaults; `false` if it is not served.
    Flag,
    /// A port.
    Port,
    /// `"host:port"` or `"host:port/path"`.
    Address,
    /// `"unix:path"` or `"unix:path:/url/path"`.
    UnixAddress,
    /// The path of an endpoint on the first HTTP address.
    UrlPath,
    /// The path of a file.
    FilePath,
    /// A descriptor, or a list of descriptors, each for one transport.
    Descriptors,
    /// Two descriptors: input and output.
    Pair,
    /// An object with options of the table.
    Options,
}

/// Options that name a place to listen on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AddressForm {
    /// The option that is needed.
    pub needed: &'static str,
    /// Options that only this place has.
    pub others: &'static [&'static str],
}

impl AddressForm {
    /// The names of the options.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.needed).chain(self.others.iter().copied())
    }
}

/// A row of the table of transports.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TransportRow {
    /// The transport.
    pub kind: TransportKind,
    /// The name among the options for serving; Node has it in camelCase.
    pub name: &'static str,
    /// The name in sentences.
    pub title: &'static str,
    /// The scheme of the URLs for clients; empty if clients need no URL.
    pub scheme: &'static str,
    /// The forms of its value.
    pub takes: &'static [Takes],
    /// The path of its endpoint, if it has one.
    pub default_path: Option<&'static str>,
    /// The port if the options name no place, in the languages that have a default.
    pub default_ports: &'static [(Spelling, u16)],
    /// The places that options can name. They must name one.
    pub addresses: &'static [AddressForm],
    /// Options that are needed if there are options.
    pub needed: &'static [&'static str],
    /// The name of the type of its options in Python and TypeScript.
    pub type_name: &'static str,
    /// The languages that have other means for it.
    pub absent: &'static [Spelling],
    /// The description of the transport, in sentences.
    pub text: &'static str,
}

const NONE: TransportRow = TransportRow {
    kind: TransportKind::Stdio,
    name: "",
    title: "",
    scheme: "",
    takes: &[],
    default_path: None,
    default_ports: &[],
    addresses: &[],
    needed: &[],
    type_name: "",
    absent: &[],
    text: "",
};

/// Where WebSocket and HTTP+SSE are served.
const WEB: &[Takes] = &[Takes::Port, Takes::Address, Takes::UrlPath, Takes::Options];

/// The transports. To add one, write a row here, a variant of [`TransportKind`], and an arm in `ServeOptions::with`.
pub const TRANSPORTS: &[TransportRow] = &[
    TransportRow {
        kind: TransportKind::Stdio,
        name: "stdio",
        title: "standard input and output",
        takes: &[Takes::Flag, Takes::Pair],
        text: "Standard input and output, for one client. In Python and Node they are also served if no transport is named. \
               Meanwhile, what handlers print goes to standard error. A pair of descriptors, input and output, is served \
               instead of the standard ones. They are duplicated.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Http,
        name: "http",
        title: "Streamable HTTP",
        scheme: "http",
        takes: &[Takes::Port, Takes::Address, Takes::UnixAddress, Takes::Options],
        default_path: Some("/mcp"),
        default_ports: &[(Spelling::Python, 8000)],
        addresses: &[
            AddressForm { needed: "port", others: &["host"] },
            AddressForm { needed: "unix", others: &["mode"] },
            AddressForm { needed: "socket", others: &[] },
        ],
        type_name: "HttpOptions",
        text: "Streamable HTTP, for both eras of the protocol: a port, `host:port`, `host:port/path`, `unix:path` for HTTP on a \
               Unix socket, or options.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Unix,
        name: "unix",
        title: "lines on a Unix socket",
        takes: &[Takes::FilePath, Takes::Options],
        needed: &["path"],
        type_name: "UnixOptions",
        text: "Lines, as on `stdio`, on a Unix socket, for any number of clients: the path of the socket, or options. Only this \
               user may access its file, unless `mode` is set. The file replaces one that was left behind, and is removed at \
               the end of the server.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Socket,
        name: "socket",
        title: "lines on a socket of the program",
        takes: &[Takes::Descriptors],
        text: "Lines on a socket of the program, TCP or Unix, or on each of a list of sockets. A listening socket is served \
               like `unix`, and its file is not removed. A connected socket is one more client, and the server ends with the \
               last of the connected sockets. Sockets are duplicated, and become non-blocking.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Stream,
        name: "stream",
        title: "lines on a stream of the program",
        absent: &[Spelling::Python, Spelling::Node, Spelling::C],
        text: "Lines on a stream of the program, for one client.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::WebSocket,
        name: "websocket",
        title: "WebSocket",
        scheme: "ws",
        takes: WEB,
        default_path: Some("/ws"),
        type_name: "WebOptions",
        text: "WebSocket, with one message per text frame: a port, `host:port`, `host:port/path`, or options. A path alone, \
               such as `/ws`, is a path of the first address of `http`.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Sse,
        name: "sse",
        title: "HTTP+SSE",
        scheme: "http",
        takes: WEB,
        default_path: Some("/sse"),
        type_name: "SseOptions",
        text: "HTTP+SSE, the transport of revision 2024-11-05, for clients that support no other. It takes the same as \
               `websocket`.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::Embedded,
        name: "embedded",
        title: "the program's own HTTP server",
        takes: &[Takes::Flag, Takes::Options],
        type_name: "EmbedOptions",
        absent: &[Spelling::Python],
        text: "Requests that the program's own HTTP server passes on. In Node it is needed only beside other transports, \
               because the first request starts a server that has no transport.",
        ..NONE
    },
    TransportRow {
        kind: TransportKind::InProcess,
        name: "in_process",
        title: "clients in the process",
        takes: &[Takes::Flag],
        absent: &[Spelling::Python, Spelling::Node, Spelling::C],
        text: "Clients in the process only.",
        ..NONE
    },
];

impl TransportKind {
    /// The row of the table.
    pub fn row(self) -> &'static TransportRow {
        TRANSPORTS.iter().find(|row| row.kind == self).expect("a test checks that each transport has a row")
    }
}

impl TransportRow {
    /// The options that the transport may have.
    pub fn options(&self) -> impl Iterator<Item = &'static OptionRow> + use<> {
        let owner = Owner::Transport(self.name);
        TransportOptions::TABLE.iter().filter(move |row| row.is_for(owner))
    }

    /// Whether its value may have this form.
    pub fn takes(&self, form: Takes) -> bool {
        self.takes.contains(&form)
    }

    /// A description of valid values, in the words of a language.
    pub fn expected(&self, spelling: Spelling) -> String {
        let quoted = |word: &str| match spelling {
            Spelling::Python | Spelling::Node => format!("'{word}'"),
            _ => format!("{word:?}"),
        };
        let mut forms = Vec::new();
        for form in self.takes {
            match form {
                Takes::Flag if spelling == Spelling::Python => forms.push("a bool".to_owned()),
                Takes::Flag => forms.push(Form::Flag.expected(spelling)),
                Takes::Port => forms.push("a port".to_owned()),
                Takes::Address => forms.extend(["host:port", "host:port/path"].map(quoted)),
                // The text is an address like the others.
                Takes::UnixAddress => {}
                Takes::UrlPath => forms.push(quoted("/path")),
                Takes::FilePath => forms.push("a path".to_owned()),
                Takes::Descriptors => forms.push(Form::Descriptor.expected(spelling)),
                Takes::Pair => forms.push("a pair of descriptors".to_owned()),
                Takes::Options => forms.push("options".to_owned()),
            }
        }
        match forms.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => forms.concat(),
        }
    }
}
