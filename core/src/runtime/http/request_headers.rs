//! The headers of a request in the form in which handlers read them.

use crate::host::RequestHeaders;
use crate::json::{JsonSlice, JsonWriter};
use http::request::Parts;

impl RequestHeaders for Parts {
    fn to_json(&self) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object();
        for name in self.headers.keys() {
            let values: Vec<_> = self.headers.get_all(name).iter().collect();
            let texts: Vec<_> =
                values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            out.key(name.as_str()).str(&texts.join(", "));
        }
        out.end_object();
        out.into_slice()
    }
}
