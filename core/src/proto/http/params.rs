//! The headers that repeat arguments.

use crate::proto::catalog::header_params::ParamFields;
use http::HeaderMap;

const PREFIX: &str = "mcp-param-";

/// The `Mcp-Param-` headers of a request. [`ParamFields::check`] compares them with the arguments, once it is known
/// which of them the tool declares.
pub fn param_fields(headers: &HeaderMap) -> ParamFields {
    let mut fields = ParamFields::default();
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix(PREFIX) {
            fields.push(name, value.as_bytes());
        }
    }
    fields
}
