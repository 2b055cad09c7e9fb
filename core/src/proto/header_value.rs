//! The encoding of text in the values of HTTP headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

const PREFIX: &[u8] = b"=?base64?";
const SUFFIX: &[u8] = b"?=";

/// Decodes the value of `Mcp-Name` (ENC-1 to ENC-6). Plain ASCII is used as it is; any other text is Base64 between
/// markers. The error gives the reason.
pub(crate) fn decode_value(value: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let inner = value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    if let Some(inner) = inner {
        let bytes = STANDARD.decode(inner).map_err(|_| "is not valid Base64")?;
        return String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "does not decode to UTF-8");
    }
    match std::str::from_utf8(value) {
        Ok(text) if text.bytes().all(|byte| matches!(byte, b'\t' | 0x20..=0x7E)) => Ok(Cow::Borrowed(text)),
        _ => Err("has characters that must be Base64-encoded"),
    }
}
