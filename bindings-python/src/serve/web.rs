//! The transports WebSocket and HTTP+SSE, as `_serve/web_options.py` writes them.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::{Error, ServeOptions, SseOptions, WebSocketOptions};

/// Both transports, if they are given.
pub(crate) struct WebTransports {
    websocket: Option<WebOptions>,
    sse: Option<WebOptions>,
}

struct WebOptions {
    address: String,
    hosts: Vec<String>,
    origins: Vec<String>,
    headers: Vec<String>,
}

impl WebOptions {
    fn read(given: &Bound<'_, PyDict>, transport: &str) -> PyResult<Option<WebOptions>> {
        let Some(options) = given.get_item(transport)? else { return Ok(None) };
        let options = options.cast_into::<PyDict>()?;
        let names = |name: &str| -> PyResult<Vec<String>> {
            options.get_item(name)?.map_or_else(|| Ok(Vec::new()), |names| names.extract())
        };
        let address =
            options.get_item("address")?.map_or_else(|| Ok(String::new()), |text| text.extract())?;
        let (hosts, origins) = (names("allowed_hosts")?, names("allowed_origins")?);
        Ok(Some(WebOptions { address, hosts, origins, headers: names("allowed_headers")? }))
    }
}

impl WebTransports {
    pub(crate) fn read(given: &Bound<'_, PyDict>) -> PyResult<WebTransports> {
        Ok(WebTransports {
            websocket: WebOptions::read(given, "websocket")?,
            sse: WebOptions::read(given, "sse")?,
        })
    }

    /// Adds the transports to `serve`. Resolves host names, which may take long.
    pub(crate) fn add_to(self, mut serve: ServeOptions) -> Result<ServeOptions, Error> {
        if let Some(WebOptions { address, hosts, origins, .. }) = self.websocket {
            let websocket = WebSocketOptions::new(&address)?;
            serve = serve.websocket(websocket.allowed_hosts(hosts).allowed_origins(origins));
        }
        if let Some(WebOptions { address, hosts, origins, headers }) = self.sse {
            let sse = SseOptions::new(&address)?.allowed_hosts(hosts).allowed_origins(origins);
            serve = serve.sse(sse.allowed_headers(headers));
        }
        Ok(serve)
    }
}
