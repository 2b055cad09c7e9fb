//! The capabilities of clients that questions need.

use crate::json::{JsonSlice, Kind};
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;
use bytes::Bytes;

/// A client capability that a question needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    capability: &'static str,
    part: Option<&'static str>,
    /// A capability object without any part means this part (EL-1).
    implied: bool,
    /// Before this revision, the capability has no such part, and the capability itself is enough.
    since: Revision,
    /// A name of the missing capability for messages.
    words: &'static str,
    /// The capabilities object that the client should have declared.
    required: &'static str,
}

const fn need(capability: &'static str, words: &'static str, required: &'static str) -> Need {
    Need { capability, part: None, implied: false, since: Revision::V2024_11_05, words, required }
}

pub(super) const FORM: Need = Need {
    part: Some("form"),
    implied: true,
    ..need("elicitation", "elicitation forms", r#"{"elicitation":{"form":{}}}"#)
};
pub(super) const URL: Need =
    Need { part: Some("url"), ..need("elicitation", "elicitation by URL", r#"{"elicitation":{"url":{}}}"#) };
pub(super) const SAMPLING: Need = need("sampling", "sampling", r#"{"sampling":{}}"#);
pub(super) const SAMPLING_TOOLS: Need =
    Need { part: Some("tools"), ..need("sampling", "sampling with tools", r#"{"sampling":{"tools":{}}}"#) };
pub(super) const SAMPLING_CONTEXT: Need = Need {
    part: Some("context"),
    since: Revision::V2025_11_25,
    ..need("sampling", "sampling with context", r#"{"sampling":{"context":{}}}"#)
};
pub(super) const ROOTS: Need = need("roots", "roots", r#"{"roots":{}}"#);

impl Need {
    /// Whether the client declared this capability.
    pub(crate) fn is_met(&self, client: &Client) -> bool {
        let object = |value: &JsonSlice| value.kind() == Kind::Object;
        let Some(whole) = client.capabilities.member(self.capability).filter(object) else { return false };
        let Some(part) = self.part.filter(|_| client.revision >= self.since) else { return true };
        whole.member(part).as_ref().is_some_and(object)
            || self.implied && !["form", "url"].iter().any(|part| whole.member(part).is_some())
    }

    /// The error that names the missing capability (-32021).
    pub(crate) fn error(&self) -> RpcError {
        RpcError::missing_capability(
            format!("The client cannot be asked: it does not declare {}", self.words),
            JsonSlice::from_trusted(Bytes::from_static(self.required.as_bytes())),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::client;
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_declared_decides_what_may_be_asked() {
        let (old, new) = (Revision::V2025_06_18, Revision::V2026_07_28);
        let cases: [(Need, Revision, Value, bool); 14] = [
            // EL-1
            (FORM, new, json!({ "elicitation": {} }), true),
            (FORM, new, json!({ "elicitation": { "form": {} } }), true),
            (FORM, new, json!({ "elicitation": { "form": {}, "url": {} } }), true),
            (FORM, new, json!({ "elicitation": { "url": {} } }), false),
            (FORM, new, json!({ "elicitation": true }), false),
            (FORM, new, json!({}), false),
            (URL, new, json!({ "elicitation": {} }), false),
            (URL, new, json!({ "elicitation": { "url": {} } }), true),
            // SA-1, SA-3
            (SAMPLING, old, json!({ "sampling": {} }), true),
            (SAMPLING_TOOLS, new, json!({ "sampling": {} }), false),
            (SAMPLING_TOOLS, new, json!({ "sampling": { "tools": {} } }), true),
            // SA-7: `context` is newer than the feature that it allows.
            (SAMPLING_CONTEXT, new, json!({ "sampling": {} }), false),
            (SAMPLING_CONTEXT, old, json!({ "sampling": {} }), true),
            (ROOTS, old, json!({ "roots": { "listChanged": true } }), true),
        ];
        for (need, revision, capabilities, met) in cases {
            let client = client(revision, capabilities.clone());
            assert_eq!(need.is_met(&client), met, "{} {revision:?} {capabilities}", need.words);
        }
    }

    #[test]
    fn the_error_carries_capabilities_that_would_do() {
        for need in [FORM, URL, SAMPLING, SAMPLING_TOOLS, SAMPLING_CONTEXT, ROOTS] {
            let data = need.error().data.unwrap().to_value().unwrap();
            assert!(need.is_met(&client(Revision::V2026_07_28, data["requiredCapabilities"].clone())));
        }
    }
}
