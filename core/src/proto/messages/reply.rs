//! Takes a response of this engine apart without parsing it, because its frame is always the same.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::messages::id::RequestId;
use bytes::Bytes;

const HEAD: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;
const ERROR: &[u8] = br#","error":"#;

/// The response to a request: the id and the outcome. It is used to store a result, to pass it on, or to send it with
/// another id.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The request's id.
    pub id: RequestId,
    /// The result object, or the error object.
    pub outcome: Result<JsonSlice, JsonSlice>,
}

impl Reply {
    /// The parts of a response of this engine; `None` for an error without an id, and for a batch. The parts share the
    /// response's memory. The time depends only on the length of the id.
    pub fn of(response: &Bytes) -> Option<Reply> {
        let rest = response.strip_prefix(HEAD)?;
        // In the text of an id, a quotation mark occurs only after a backslash.
        let length = match rest.strip_prefix(b"\"") {
            Some(text) => {
                let mut escaped = false;
                let quote = |byte: &u8| {
                    let ends = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    ends
                };
                text.iter().position(quote)? + 2
            }
            None => rest.iter().position(|byte| *byte == b',')?,
        };
        let id = JsonSlice::parse(response.slice(HEAD.len()..HEAD.len() + length), &json::Limits::default());
        let id = RequestId::new(id.ok()?)?;
        let (member, rest) = (HEAD.len() + length, &rest[length..]);
        let value =
            |name: &[u8]| JsonSlice::from_trusted(response.slice(member + name.len()..response.len() - 1));
        let outcome = match rest {
            rest if rest.starts_with(RESULT) => Ok(value(RESULT)),
            rest if rest.starts_with(ERROR) => Err(value(ERROR)),
            _ => return None,
        };
        Some(Reply { id, outcome })
    }

    /// The same outcome as the response to another request.
    pub fn to(&self, id: &RequestId) -> Bytes {
        let (name, value) = match &self.outcome {
            Ok(result) => (RESULT, result),
            Err(error) => (ERROR, error),
        };
        let mut out = JsonWriter::with_capacity(64 + value.as_bytes().len());
        out.verbatim(HEAD).slice(id.raw()).verbatim(name).slice(value).verbatim(b"}");
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::messages::error::RpcError;
    use crate::proto::results::shape;

    fn id(text: &str) -> RequestId {
        let raw = JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &json::Limits::default());
        RequestId::new(raw.unwrap()).unwrap()
    }

    #[test]
    fn a_response_is_taken_apart_and_sent_under_another_id() {
        for text in ["7", "-12", r#""""#, r#""a""#, r#""a,\"b\",""#, r#""\\""#, r#""{\\\"""#] {
            let body = Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{text},"result":{{"a":[1,"}}"]}}}}"#));
            let reply = Reply::of(&body).unwrap();
            assert_eq!(reply.id.raw().as_str(), text);
            assert_eq!(reply.outcome.as_ref().unwrap().as_str(), r#"{"a":[1,"}"]}"#);
            assert_eq!(reply.to(&id(text)), body);
            let error = shape::error(Some(&id(text)), None, &RpcError::busy("busy"));
            let reply = Reply::of(&error).unwrap();
            assert_eq!(reply.outcome.as_ref().unwrap_err().as_str(), r#"{"code":-32603,"message":"busy"}"#);
            assert_eq!(reply.to(&id("9")), shape::error(Some(&id("9")), None, &RpcError::busy("busy")));
        }
        for other in
            [r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#, r#"{"jsonrpc":"2.0","error":{}}"#, "", "{}"]
        {
            assert!(Reply::of(&Bytes::copy_from_slice(other.as_bytes())).is_none(), "{other}");
        }
    }
}
