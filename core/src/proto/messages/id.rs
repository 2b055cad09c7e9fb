//! Request ids, exactly as the client wrote them.

use crate::json::{JsonSlice, Kind};
use bytes::Bytes;

/// The `id` of a JSON-RPC request: a string or an integer.
///
/// It is repeated byte for byte (RPC-5). Two ids belong to the same request if their [`key`](RequestId::key)s are
/// equal. The JSON type is part of the key, so `1` and `"1"` are different.
#[derive(Clone, Debug)]
pub struct RequestId {
    raw: JsonSlice,
    key: Bytes,
}

impl RequestId {
    /// An id from a string or an integer without fraction or exponent. Other values are not valid ids (RPC-2, RPC-4).
    pub fn new(raw: JsonSlice) -> Option<RequestId> {
        let text = raw.as_bytes();
        let key = match raw.kind() {
            Kind::String if text.contains(&b'\\') => {
                // Two spellings of one string must have the same key in the table of calls.
                let decoded = raw.decode_str()?.into_owned();
                JsonSlice::from_serialize(&decoded).ok()?.into_bytes()
            }
            Kind::String => raw.bytes().clone(),
            Kind::Number if text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => return None,
            Kind::Number if text == b"-0" => Bytes::from_static(b"0"),
            Kind::Number => raw.bytes().clone(),
            _ => return None,
        };
        Some(RequestId { raw, key })
    }

    /// The same id in memory of its own, because a part of a message keeps the whole message allocated.
    pub(crate) fn detached(&self) -> RequestId {
        let raw = JsonSlice::from_trusted(Bytes::copy_from_slice(self.raw.as_bytes()));
        let key = if self.key == *raw.bytes() { raw.bytes().clone() } else { self.key.clone() };
        RequestId { raw, key }
    }

    /// The id as the client wrote it.
    pub fn raw(&self) -> &JsonSlice {
        &self.raw
    }

    /// The canonical form, which determines whether two ids are equal.
    pub fn key(&self) -> &Bytes {
        &self.key
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for RequestId {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn id(text: &str) -> Option<RequestId> {
        RequestId::new(JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap())
    }

    #[test]
    fn only_strings_and_integers_are_ids() {
        for legal in ["1", "-7", "\"a\"", "\"\"", "123456789012345678901234567890"] {
            assert_eq!(id(legal).unwrap().raw().as_str(), legal);
        }
        for illegal in ["null", "true", "1.5", "1.0", "1e3", "[]", "{}"] {
            assert!(id(illegal).is_none(), "{illegal}");
        }
    }

    #[test]
    fn type_matters_and_spelling_does_not() {
        assert_ne!(id("1"), id("\"1\""));
        assert_eq!(id("\"\\u0061\""), id("\"a\""));
        assert_eq!(id("-0"), id("0"));
    }
}
