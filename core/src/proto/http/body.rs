//! Checks the head of a request to find whether the server can read the body.

use super::Refusal;
use crate::proto::messages::error::clip;
use http::StatusCode;
use http::header::{self, HeaderMap};

/// The body must be declared as JSON (MH-12) in UTF-8 (BAD-3), without a content encoding. A page cannot send such a
/// request to another origin without a preflight.
pub fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    // The value that every client sends.
    if value != b"application/json" {
        let mut parts = Parts(value);
        let essence = parts.next().unwrap_or_default().trim_ascii();
        if !essence.eq_ignore_ascii_case(b"application/json") {
            return Err(unsupported("the body must be application/json".into()));
        }
        if let Some(charset) = parts.filter_map(charset).find(|charset| !is_utf8(charset)) {
            return Err(unsupported(format!(
                "the charset must be utf-8 or absent, not {:?}",
                clip(&String::from_utf8_lossy(charset))
            )));
        }
    }
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let other = codings.find(|coding| {
        let coding = coding.trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    });
    other.map_or(Ok(()), |coding| {
        Err(unsupported(format!(
            "send the body without the content-encoding {:?}",
            clip(&String::from_utf8_lossy(coding.trim_ascii()))
        )))
    })
}

fn unsupported(message: String) -> Refusal {
    Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("Unsupported media type: {message}"))
}

/// The framing of the body must be unambiguous. If a proxy reads it differently, the two see different requests.
pub fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(first) = codings.next() else { return Ok(()) };
    if codings.next().is_none() && first.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let all: Vec<_> =
        headers.get_all(header::TRANSFER_ENCODING).iter().map(|value| value.as_bytes()).collect();
    let said = String::from_utf8_lossy(&all.join(&b", "[..])).into_owned();
    Err(Refusal::plain(
        StatusCode::BAD_REQUEST,
        format!("Bad request: the transfer-encoding must be a single \"chunked\", not {:?}", clip(&said)),
    ))
}

/// The parts of a header's value between semicolons. Semicolons in quotes do not count.
struct Parts<'v>(&'v [u8]);

impl<'v> Iterator for Parts<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.iter().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' if !quoted => return true,
                _ => {}
            }
            false
        });
        let (part, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &[][..]),
        };
        self.0 = rest;
        Some(part)
    }
}

/// The value of a parameter that is named `charset`.
fn charset(parameter: &[u8]) -> Option<&[u8]> {
    let equals = parameter.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
    name.eq_ignore_ascii_case(b"charset").then_some(value)
}

fn is_utf8(charset: &[u8]) -> bool {
    let quoted = charset.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let name = quoted.unwrap_or(charset);
    name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"utf8")
}
