//! WebSocket and HTTP+SSE among the transports, as `_serve/web.py` writes them.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenon_mcp::{Error, ServeOptions, SseOptions, WebSocketOptions};

/// Both, as far as they are named.
pub(crate) struct WebTransports {
    websocket: Option<Place>,
    sse: Option<Place>,
}

struct Place {
    address: String,
    hosts: Vec<String>,
    origins: Vec<String>,
    headers: Vec<String>,
}

impl Place {
    fn read(given: &Bound<'_, PyDict>, transport: &str) -> PyResult<Option<Place>> {
        let Some(place) = given.get_item(transport)? else { return Ok(None) };
        let place = place.cast_into::<PyDict>()?;
        let names = |name: &str| -> PyResult<Vec<String>> {
            place.get_item(name)?.map_or_else(|| Ok(Vec::new()), |names| names.extract())
        };
        let address = place.get_item("address")?.map_or_else(|| Ok(String::new()), |text| text.extract())?;
        let (hosts, origins) = (names("allowed_hosts")?, names("allowed_origins")?);
        Ok(Some(Place { address, hosts, origins, headers: names("allowed_headers")? }))
    }
}

impl WebTransports {
    pub(crate) fn read(given: &Bound<'_, PyDict>) -> PyResult<WebTransports> {
        Ok(WebTransports { websocket: Place::read(given, "websocket")?, sse: Place::read(given, "sse")? })
    }

    /// Adds them. Looks hosts up, which may take its time.
    pub(crate) fn add_to(self, mut serve: ServeOptions) -> Result<ServeOptions, Error> {
        if let Some(Place { address, hosts, origins, .. }) = self.websocket {
            let websocket = WebSocketOptions::new(&address)?;
            serve = serve.websocket(websocket.allowed_hosts(hosts).allowed_origins(origins));
        }
        if let Some(Place { address, hosts, origins, headers }) = self.sse {
            let sse = SseOptions::new(&address)?.allowed_hosts(hosts).allowed_origins(origins);
            serve = serve.sse(sse.allowed_headers(headers));
        }
        Ok(serve)
    }
}
