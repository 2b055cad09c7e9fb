//! The transports of a server, as `_serve/options.py` writes them: a dict whose keys are the transports.

use crate::serve::web::WebTransports;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::PathBuf;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::{Error, HttpOptions, ServeOptions, UnixOptions};

/// The transports. They own their descriptors, so these are closed if something fails.
pub(crate) struct Transports {
    serve: ServeOptions,
    http: Option<HttpTransport>,
    unix: Option<UnixTransport>,
    web: WebTransports,
    embedded: Option<EmbedOptions>,
}

struct HttpTransport {
    bind: BindAddress,
    path: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    headers: Vec<String>,
}

enum BindAddress {
    Address(String),
    Unix(UnixTransport),
    Socket(OwnedFd),
}

struct UnixTransport {
    path: PathBuf,
    mode: Option<u32>,
}

impl UnixTransport {
    fn read(given: &Bound<'_, PyDict>, path: &str) -> PyResult<Option<UnixTransport>> {
        let Some(path) = given.get_item(path)? else { return Ok(None) };
        let mode = given.get_item("mode")?.map(|mode| mode.extract()).transpose()?;
        Ok(Some(UnixTransport { path: path.extract()?, mode }))
    }

    fn options(self) -> Result<UnixOptions, Error> {
        let options = UnixOptions::new(self.path)?;
        Ok(match self.mode {
            Some(mode) => options.mode(mode),
            None => options,
        })
    }
}

fn take_descriptor(descriptor: i32) -> OwnedFd {
    // SAFETY: the caller made it by duplication and passes the ownership. Nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// The descriptors of the transports, as numbers.
struct Descriptors {
    pair: Option<(i32, i32)>,
    sockets: Vec<i32>,
    http: Option<i32>,
}

/// Reads all numbers before any descriptor is owned, so that none stays open if another number is invalid.
fn descriptors(given: &Bound<'_, PyDict>) -> PyResult<Descriptors> {
    let pair = given.get_item("stdio")?.and_then(|stdio| stdio.extract().ok());
    let sockets = given.get_item("socket")?.map_or_else(|| Ok(Vec::new()), |sockets| sockets.extract())?;
    let http = given.get_item("http")?.and_then(|http| http.cast_into::<PyDict>().ok());
    let http = http.and_then(|http| http.get_item("socket").transpose()).transpose()?;
    Ok(Descriptors { pair, sockets, http: http.map(|http| http.extract()).transpose()? })
}

impl Transports {
    pub(crate) fn read(given: &Bound<'_, PyDict>) -> PyResult<Transports> {
        let Descriptors { pair, sockets, http } = descriptors(given)?;
        let pair = pair.map(|(input, output)| (take_descriptor(input), take_descriptor(output)));
        let sockets: Vec<_> = sockets.into_iter().map(take_descriptor).collect();
        let http_socket = http.map(take_descriptor);
        let mut serve = ServeOptions::new();
        if let Some((input, output)) = pair {
            serve = serve.descriptors(input, output);
        } else if given.get_item("stdio")?.map_or(Ok(false), |stdio| stdio.is_truthy())? {
            serve = serve.stdio();
        }
        serve = sockets.into_iter().fold(serve, ServeOptions::socket);
        if given.contains("in_process")? {
            serve = serve.in_process();
        }
        let unix = given.get_item("unix")?.map(|unix| unix.cast_into::<PyDict>()).transpose()?;
        let unix = unix.map_or(Ok(None), |unix| UnixTransport::read(&unix, "path"))?;
        let http = given.get_item("http")?.map(|http| http.cast_into::<PyDict>()).transpose()?;
        let http = http.map(|http| HttpTransport::read(&http, http_socket)).transpose()?;
        Ok(Transports { serve, http, unix, web: WebTransports::read(given)?, embedded: embedded(given)? })
    }

    /// The options for the engine. Resolves host names, which may take long.
    pub(crate) fn options(self) -> Result<ServeOptions, Error> {
        let mut serve = self.serve;
        if let Some(unix) = self.unix {
            serve = serve.unix(unix.options()?);
        }
        if let Some(http) = self.http {
            serve = serve.http(http.options()?);
        }
        if let Some(embedded) = self.embedded {
            serve = serve.embedded(embedded);
        }
        self.web.add_to(serve)
    }
}

/// The options for requests of an ASGI server.
fn embedded(given: &Bound<'_, PyDict>) -> PyResult<Option<EmbedOptions>> {
    let Some(embedded) = given.get_item("embedded")? else { return Ok(None) };
    let embedded = embedded.cast_into::<PyDict>()?;
    let names = |name: &str| -> PyResult<Vec<String>> {
        embedded.get_item(name)?.map_or_else(|| Ok(Vec::new()), |names| names.extract())
    };
    let options = EmbedOptions::new()
        .allowed_hosts(names("allowed_hosts")?)
        .allowed_origins(names("allowed_origins")?)
        .allowed_headers(names("allowed_headers")?);
    Ok(Some(options))
}

impl HttpTransport {
    fn read(given: &Bound<'_, PyDict>, socket: Option<OwnedFd>) -> PyResult<HttpTransport> {
        let text = |name: &str| given.get_item(name)?.map(|text| text.extract()).transpose();
        let names = |name: &str| -> PyResult<Vec<String>> {
            given.get_item(name)?.map_or_else(|| Ok(Vec::new()), |names| names.extract())
        };
        let bind = match (socket, UnixTransport::read(given, "unix")?) {
            (Some(socket), _) => BindAddress::Socket(socket),
            (None, Some(unix)) => BindAddress::Unix(unix),
            (None, None) => BindAddress::Address(text("address")?.unwrap_or_default()),
        };
        let (hosts, origins) = (names("allowed_hosts")?, names("allowed_origins")?);
        Ok(HttpTransport { bind, path: text("path")?, hosts, origins, headers: names("allowed_headers")? })
    }

    fn options(self) -> Result<HttpOptions, Error> {
        let mut options = match self.bind {
            BindAddress::Address(address) => HttpOptions::new(&address)?,
            BindAddress::Unix(unix) => HttpOptions::unix(unix.options()?),
            BindAddress::Socket(socket) => HttpOptions::socket(socket),
        };
        if let Some(path) = self.path {
            options = options.path(&path)?;
        }
        Ok(options.allowed_hosts(self.hosts).allowed_origins(self.origins).allowed_headers(self.headers))
    }
}
