//! The options for serving: which transports a server uses, and how.

use crate::dispatch::options::Spelling;
use crate::error::{Error, ErrorKind};
use crate::json::{JsonSlice, Kind};
use crate::runtime::http::{EmbedOptions, EmbeddedTransport};
use crate::runtime::in_process::InProcess;
use crate::runtime::lines::{Socket, Stream};
use crate::runtime::options::configured::{ConfiguredTransport, call, unknown_transport};
use crate::runtime::options::http::{HttpOptions, HttpTransport};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::options::types::Descriptor;
use crate::runtime::options::unix::{UnixOptions, UnixTransport};
use crate::runtime::options::web::{SseOptions, SseTransport, WebSocketOptions, WebSocketTransport};
use crate::runtime::stdio::StdioTransport;
use crate::runtime::transport::interface::ServerTransport;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::{AsyncRead, AsyncWrite};

/// The transports of one start. A server may use any combination of transports, and several of one kind.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(in crate::runtime) transports: Vec<Box<dyn ServerTransport>>,
    /// The same transports with their options, in the same order. Descriptors are numbers.
    configured: Vec<ConfiguredTransport>,
    /// Transports whose host names are resolved at the start.
    unresolved: Vec<ConfiguredTransport>,
    /// The section of settings that the transports are from.
    pub(in crate::runtime) section: Option<JsonSlice>,
}

impl ServeOptions {
    /// Options without a transport.
    pub fn new() -> ServeOptions {
        ServeOptions::default()
    }

    /// Options from JSON, in the spelling of a language: an object with the transports by their names, or a port or an
    /// address of `http`. If no transport is named, standard input and output are served. Members that are null count as
    /// not set.
    ///
    /// `descriptors` returns a descriptor that the server owns for the number of one in the options, such as its
    /// duplicate. Host names are resolved at the start.
    ///
    /// ```
    /// # use tenon_mcp::{JsonSlice, ServeOptions, Spelling, json};
    /// let options = JsonSlice::from_value(&json!({ "http": { "port": 0, "allowed_hosts": ["a.example"] } }));
    /// let options = ServeOptions::from_options(&options, Spelling::Rust, |_| Err(std::io::Error::other("none")));
    /// assert!(!options.unwrap().is_empty());
    /// ```
    pub fn from_options(
        options: &JsonSlice,
        spelling: Spelling,
        mut descriptors: impl FnMut(i32) -> io::Result<OwnedFd>,
    ) -> Result<ServeOptions, Error> {
        let call = call(spelling);
        let members: Vec<_> = match options.kind() {
            Kind::Number | Kind::String => vec![(TransportKind::Http.row().name.into(), options.clone())],
            Kind::Object => options
                .members()
                .map(|member| (member.name(options.as_bytes()), options.subslice(member.value)))
                .collect(),
            _ => {
                let shown = spelling.shown(options);
                let wrong = format!("{call}options must be an object, a port or an address, not {shown}");
                return Err(Error::invalid(wrong));
            }
        };
        let (mut serve, mut is_named) = (ServeOptions::new(), false);
        for (name, value) in &members {
            if let Some(unknown) = unknown_transport(name, spelling, &[]) {
                return Err(Error::invalid(unknown));
            }
            if value.kind() != Kind::Null {
                is_named = true;
                for transport in ConfiguredTransport::read(name, value, spelling, &mut descriptors)? {
                    serve = serve.with(transport)?;
                }
            }
        }
        if !is_named {
            serve = serve.stdio();
        }
        if serve.is_empty() {
            return Err(Error::invalid(format!("{call}no transport is named; name at least one transport")));
        }
        Ok(serve)
    }

    /// Records that the transports are from the same section of settings as `other`, for a binding that copies them.
    #[doc(hidden)]
    pub fn as_in(self, other: &ServeOptions) -> ServeOptions {
        ServeOptions { section: other.section.clone(), ..self }
    }

    /// Records the section of settings that the transports are from.
    pub(in crate::runtime) fn of_settings(self, section: JsonSlice) -> ServeOptions {
        ServeOptions { section: Some(section), ..self }
    }

    /// The transports, each by its name and with its options as JSON, in the spelling of a language. Descriptors are
    /// numbers.
    pub fn to_options(&self, spelling: Spelling) -> Vec<(String, JsonSlice)> {
        let named = |own: &ConfiguredTransport| {
            (spelling.name(own.row().name).into_owned(), own.to_options(spelling))
        };
        self.configured.iter().map(named).collect()
    }

    /// Serves one more transport, which was read from JSON. Its host name is resolved at the start. If a clone of
    /// `transport` is kept, its descriptors are duplicated; fails if that is not possible.
    pub fn with(mut self, transport: ConfiguredTransport) -> Result<ServeOptions, Error> {
        let record = transport.with_numbers();
        let ConfiguredTransport { kind, options, descriptors } = transport;
        let descriptors = descriptors.into_iter().map(Descriptor::into_owned).collect::<io::Result<Vec<_>>>();
        let descriptors =
            descriptors.map_err(|error| Error::new(ErrorKind::Io, format!("descriptor: {error}")))?;
        let wrong = |why: &str| Err(Error::invalid(format!("{}: {why}", kind.row().name)));
        let transport: Box<dyn ServerTransport> = match kind {
            TransportKind::Stdio => match <[OwnedFd; 2]>::try_from(descriptors) {
                Ok([input, output]) => Box::new(StdioTransport::Descriptors(input, output)),
                Err(_) => return Ok(self.stdio()),
            },
            TransportKind::Http => Box::new(HttpTransport::new(&options)),
            TransportKind::Unix => match &options.file {
                Some(file) => Box::new(UnixTransport::new(file, options.mode)),
                None => return wrong("the option path is missing"),
            },
            TransportKind::Socket => match descriptors.into_iter().next() {
                Some(socket) => Box::new(Socket(socket)),
                None => return wrong("the descriptor is missing"),
            },
            TransportKind::Stream => return wrong("use ServeOptions::stream"),
            TransportKind::WebSocket => Box::new(WebSocketTransport::new(&options)),
            TransportKind::Sse => Box::new(SseTransport::new(&options)),
            TransportKind::Embedded => return Ok(self.embedded(EmbedOptions::of(options))),
            TransportKind::InProcess => return Ok(self.in_process()),
        };
        self.unresolved.push(record.clone());
        self.push(record, transport);
        Ok(self)
    }

    pub(super) fn configured(&self) -> &[ConfiguredTransport] {
        &self.configured
    }

    /// Replaces the only transport of its kind, in its place.
    pub(in crate::runtime) fn replace(
        mut self,
        transport: ConfiguredTransport,
    ) -> Result<ServeOptions, Error> {
        let place = self.configured.iter().position(|own| own.kind == transport.kind).unwrap_or(0);
        self.unresolved.retain(|own| own.kind != transport.kind);
        self = self.with(transport)?;
        self.configured.swap_remove(place);
        self.transports.swap_remove(place);
        Ok(self)
    }

    fn push(&mut self, configured: ConfiguredTransport, transport: Box<dyn ServerTransport>) {
        self.configured.push(configured);
        self.transports.push(transport);
    }

    /// Fails if the host of an address cannot be resolved.
    pub(in crate::runtime) fn resolve(&self) -> Result<(), Error> {
        self.unresolved.iter().try_for_each(ConfiguredTransport::resolve)
    }

    /// Whether the process's standard input and output are served.
    pub fn has_standard_io(&self) -> bool {
        let standard =
            |own: &ConfiguredTransport| own.kind == TransportKind::Stdio && own.descriptors.is_empty();
        self.configured.iter().any(standard)
    }

    /// The options of embedded requests, if these are served.
    pub fn embed_options(&self) -> Option<EmbedOptions> {
        let embedded = self.configured.iter().find(|own| own.kind == TransportKind::Embedded);
        embedded.map(|own| EmbedOptions::of(own.options.clone()))
    }

    /// Whether no transport waits for clients by itself: requests and clients come only from the program.
    pub fn is_passive(&self) -> bool {
        let passive = [TransportKind::Embedded, TransportKind::InProcess];
        self.configured.iter().all(|own| passive.contains(&own.kind))
    }

    /// Serves the process's standard input and output. Repeated calls change nothing. When standard input ends, the
    /// server ends, even if it has other transports;
    /// [`ServerBuilder::end_with_stdin`](crate::ServerBuilder::end_with_stdin) can change that.
    ///
    /// While the server runs, descriptor 1 points to descriptor 2, so that the output of a handler does not reach the
    /// client. If descriptor 2 is a pipe or a socket, a thread copies the output of both descriptors to it. The
    /// thread's buffer holds [`Limits::max_stderr_bytes`](crate::Limits::max_stderr_bytes), so a client that does not
    /// read the output does not block the handlers. Output beyond the buffer is dropped, and a line reports how much.
    pub fn stdio(mut self) -> ServeOptions {
        if !self.has_standard_io() {
            self.push(TransportKind::Stdio.into(), Box::new(StdioTransport::Standard));
        }
        self
    }

    /// Serves only in-process clients: [`testing::Link`](crate::testing::Link) and what is built on it. The server
    /// opens nothing, and ends only when it is closed. In-process clients may also join a server that has other
    /// transports.
    pub fn in_process(mut self) -> ServeOptions {
        self.push(TransportKind::InProcess.into(), Box::new(InProcess));
        self
    }

    /// Serves one more client on these descriptors, like standard input and output. Descriptor 1 is not changed. When
    /// the last channel with one client ends, the server ends, even if it has other transports;
    /// [`ServerBuilder::end_with_stdin`](crate::ServerBuilder::end_with_stdin) can change that.
    pub fn descriptors(mut self, input: OwnedFd, output: OwnedFd) -> ServeOptions {
        let numbers = [&input, &output].map(Descriptor::from);
        let record = ConfiguredTransport { descriptors: numbers.to_vec(), ..TransportKind::Stdio.into() };
        self.push(record, Box::new(StdioTransport::Descriptors(input, output)));
        self
    }

    /// Serves Streamable HTTP on one more address. A session that was opened on one address is valid on all addresses
    /// of the server.
    pub fn http(mut self, http: HttpOptions) -> ServeOptions {
        let options = http.into_options();
        let transport = HttpTransport::new(&options);
        self.push(ConfiguredTransport::of(TransportKind::Http, options).with_numbers(), Box::new(transport));
        self
    }

    /// Serves messages as lines on a Unix socket, with the framing of standard input and output. The transport serves
    /// any number of clients at once, up to [`Limits::max_connections`](crate::Limits::max_connections). When a client
    /// disconnects, the server continues.
    ///
    /// A client that ends its output still gets the responses of its calls in flight, within the time that
    /// [`Running::close`](crate::Running::close) allows. If a client disconnects, its calls are cancelled. If a client
    /// does not read, the server does not read from it either, and closes its connection after
    /// [`Limits::write_timeout`](crate::Limits::write_timeout). A line must be complete within
    /// [`Limits::request_timeout`](crate::Limits::request_timeout) of its first byte. A client that sends nothing and
    /// waits for no response is disconnected after [`Limits::connection_idle`](crate::Limits::connection_idle).
    pub fn unix(mut self, unix: UnixOptions) -> ServeOptions {
        let (options, transport) = unix.into_transport();
        self.push(ConfiguredTransport::of(TransportKind::Unix, options), Box::new(transport));
        self
    }

    /// Serves messages as lines on a socket of the program, TCP or Unix. A listening socket is served like
    /// [`ServeOptions::unix`], but its file is not removed. A connected socket is served as one more client, and its
    /// end can end the server, as with [`ServeOptions::descriptors`]. The start fails for any other socket. The socket
    /// becomes non-blocking, even for other processes that share it.
    ///
    /// TCP has no permissions: everyone who reaches the address may call. Only web pages are refused: if the first line
    /// of a connection cannot be a message, the connection is closed.
    pub fn socket(mut self, socket: impl Into<OwnedFd>) -> ServeOptions {
        let socket: OwnedFd = socket.into();
        let descriptors = vec![Descriptor::from(&socket)];
        let record = ConfiguredTransport { descriptors, ..TransportKind::Socket.into() };
        self.push(record, Box::new(Socket(socket)));
        self
    }

    /// Serves messages as lines on a stream of the program, for one more client. The end of the stream can end the
    /// server, as with [`ServeOptions::descriptors`]. The stream is polled on the tokio runtime in which the server was
    /// started, or on engine threads if the server was started outside of a runtime.
    pub fn stream(mut self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ServeOptions {
        self.push(TransportKind::Stream.into(), Box::new(Stream::new(stream)));
        self
    }

    /// Whether the options contain no transport.
    pub fn is_empty(&self) -> bool {
        self.transports.is_empty()
    }

    /// Serves WebSocket on one more address, or on a path of an HTTP address that is served.
    pub fn websocket(mut self, websocket: WebSocketOptions) -> ServeOptions {
        let options = websocket.into_options();
        let transport = WebSocketTransport::new(&options);
        self.push(ConfiguredTransport::of(TransportKind::WebSocket, options), Box::new(transport));
        self
    }

    /// Serves HTTP+SSE of revision 2024-11-05 on one more address, or on a path of an HTTP address that is served.
    pub fn sse(mut self, sse: SseOptions) -> ServeOptions {
        let options = sse.into_options();
        let transport = SseTransport::new(&options);
        self.push(ConfiguredTransport::of(TransportKind::Sse, options), Box::new(transport));
        self
    }

    /// Serves requests that the program passes to [`Running::embedded`](crate::Running::embedded). A repeated call
    /// replaces the options.
    pub fn embedded(mut self, options: EmbedOptions) -> ServeOptions {
        self.transports.retain(|transport| transport.kind() != TransportKind::Embedded);
        self.configured.retain(|own| own.kind != TransportKind::Embedded);
        let record = ConfiguredTransport::of(TransportKind::Embedded, options.options().clone());
        self.push(record, Box::new(EmbeddedTransport(options)));
        self
    }
}
