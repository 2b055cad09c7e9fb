//! What a server is served on, as `_serve/options.py` writes it: a dict whose keys are the transports.

use crate::serve::web::WebTransports;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::PathBuf;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::{Error, HttpOptions, ServeOptions, UnixOptions};

/// The transports, with the descriptors taken over: whatever fails from here on, none is left open.
pub(crate) struct Transports {
    serve: ServeOptions,
    http: Option<Http>,
    unix: Option<Unix>,
    web: WebTransports,
    embedded: Option<EmbedOptions>,
}

struct Http {
    place: Place,
    path: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    headers: Vec<String>,
}

enum Place {
    Address(String),
    Unix(Unix),
    Socket(OwnedFd),
}

struct Unix {
    path: PathBuf,
    mode: Option<u32>,
}

impl Unix {
    fn read(given: &Bound<'_, PyDict>, path: &str) -> PyResult<Option<Unix>> {
        let Some(path) = given.get_item(path)? else { return Ok(None) };
        let mode = given.get_item("mode")?.map(|mode| mode.extract()).transpose()?;
        Ok(Some(Unix { path: path.extract()?, mode }))
    }

    fn options(self) -> Result<UnixOptions, Error> {
        let options = UnixOptions::new(self.path)?;
        Ok(match self.mode {
            Some(mode) => options.mode(mode),
            None => options,
        })
    }
}

fn take(descriptor: i32) -> OwnedFd {
    // SAFETY: the caller made it by duplication and hands it over; nobody else has its number.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// The numbers of descriptors.
struct Numbers {
    pair: Option<(i32, i32)>,
    sockets: Vec<i32>,
    http: Option<i32>,
}

/// Reads them all before any is taken, so that none is left open where another is wrong.
fn numbers(given: &Bound<'_, PyDict>) -> PyResult<Numbers> {
    let pair = given.get_item("stdio")?.and_then(|stdio| stdio.extract().ok());
    let sockets = given.get_item("socket")?.map_or_else(|| Ok(Vec::new()), |sockets| sockets.extract())?;
    let http = given.get_item("http")?.and_then(|http| http.cast_into::<PyDict>().ok());
    let http = http.and_then(|http| http.get_item("socket").transpose()).transpose()?;
    Ok(Numbers { pair, sockets, http: http.map(|http| http.extract()).transpose()? })
}

impl Transports {
    pub(crate) fn read(given: &Bound<'_, PyDict>) -> PyResult<Transports> {
        let Numbers { pair, sockets, http } = numbers(given)?;
        let pair = pair.map(|(input, output)| (take(input), take(output)));
        let sockets: Vec<_> = sockets.into_iter().map(take).collect();
        let http_socket = http.map(take);
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
        let unix = unix.map_or(Ok(None), |unix| Unix::read(&unix, "path"))?;
        let http = given.get_item("http")?.map(|http| http.cast_into::<PyDict>()).transpose()?;
        let http = http.map(|http| Http::read(&http, http_socket)).transpose()?;
        Ok(Transports { serve, http, unix, web: WebTransports::read(given)?, embedded: embedded(given)? })
    }

    /// Looks the host up, which may take its time.
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

/// Requests that an ASGI server hands over.
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

impl Http {
    fn read(given: &Bound<'_, PyDict>, socket: Option<OwnedFd>) -> PyResult<Http> {
        let text = |name: &str| given.get_item(name)?.map(|text| text.extract()).transpose();
        let names = |name: &str| -> PyResult<Vec<String>> {
            given.get_item(name)?.map_or_else(|| Ok(Vec::new()), |names| names.extract())
        };
        let place = match (socket, Unix::read(given, "unix")?) {
            (Some(socket), _) => Place::Socket(socket),
            (None, Some(unix)) => Place::Unix(unix),
            (None, None) => Place::Address(text("address")?.unwrap_or_default()),
        };
        let (hosts, origins) = (names("allowed_hosts")?, names("allowed_origins")?);
        Ok(Http { place, path: text("path")?, hosts, origins, headers: names("allowed_headers")? })
    }

    fn options(self) -> Result<HttpOptions, Error> {
        let mut options = match self.place {
            Place::Address(address) => HttpOptions::new(&address)?,
            Place::Unix(unix) => HttpOptions::unix(unix.options()?),
            Place::Socket(socket) => HttpOptions::socket(socket),
        };
        if let Some(path) = self.path {
            options = options.path(&path)?;
        }
        Ok(options.allowed_hosts(self.hosts).allowed_origins(self.origins).allowed_headers(self.headers))
    }
}
