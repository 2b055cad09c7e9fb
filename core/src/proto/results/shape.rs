//! Writes all responses and notifications of the server, for each revision (digest section 9).

mod tasks;

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::{CacheHints, CacheScope, CacheSettings, Cacheable};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::reply::Reply;
use crate::proto::operation::outgoing;
use crate::proto::results::result::CheckedResult;
use crate::proto::session::capability::Capabilities;
use crate::proto::session::extension::Extensions;
use crate::proto::session::implementation::Implementation;
use crate::proto::session::subscription::SUBSCRIPTION_ID;
use crate::proto::version::{Revision, Revisions};
use bytes::Bytes;
pub use tasks::task_outcome;

/// The server's identity, and its general settings for responses.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name, version and further facts.
    pub implementation: Implementation,
    /// Instructions for models that use the server, if there are any.
    pub instructions: Option<String>,
    /// The revisions that the server supports.
    pub revisions: Revisions,
    /// The server's extensions with their settings, as clients see them.
    pub extensions: Vec<(String, JsonSlice)>,
    /// The caching hints of the server's results.
    pub cache: CacheSettings,
}

/// Writes results and notifications for one server.
#[derive(Clone, Debug)]
pub struct Shaper {
    identity: Identity,
    /// The implementation in the form of each revision.
    implementations: [JsonSlice; Revision::ALL.len()],
}

/// The member with the server's implementation, written after another member.
pub(in crate::proto) const SERVER_INFO: &[u8] = br#","_meta":{"io.modelcontextprotocol/serverInfo":"#;

impl Shaper {
    /// A shaper for `identity`.
    pub fn new(identity: Identity) -> Shaper {
        let mut implementations = [(); Revision::ALL.len()].map(|()| JsonSlice::null());
        for revision in Revision::ALL {
            implementations[revision.index()] = identity.implementation.json(revision);
        }
        Shaper { identity, implementations }
    }

    /// The revisions that the server supports.
    pub fn revisions(&self) -> Revisions {
        self.identity.revisions
    }

    fn implementation(&self, revision: Revision) -> &JsonSlice {
        &self.implementations[revision.index()]
    }

    fn open_result(&self, id: &RequestId, capacity: usize) -> JsonWriter {
        let mut out = JsonWriter::with_capacity(capacity + 192);
        out.verbatim(br#"{"jsonrpc":"2.0","id":"#).slice(id.raw()).verbatim(br#","result":{"#);
        out
    }

    /// Adds the members that every modern result has (RPC-12, VER-8), and closes the response. `result_type` is a JSON
    /// string.
    fn close_result(&self, mut out: JsonWriter, revision: Revision, result_type: &[u8]) -> Bytes {
        if revision.is_modern() {
            out.key("resultType").raw(result_type);
            out.verbatim(SERVER_INFO).slice(self.implementation(revision)).verbatim(b"}");
        }
        out.verbatim(b"}}");
        out.into_bytes()
    }

    /// The empty result for `ping`.
    pub fn empty(&self, id: &RequestId, revision: Revision) -> Bytes {
        self.close_result(self.open_result(id, 0), revision, br#""complete""#)
    }

    /// The response to `initialize`. `client` are the client's capabilities.
    pub fn initialize(
        &self,
        id: &RequestId,
        revision: Revision,
        (capabilities, extensions): (Capabilities, Extensions),
        client: &JsonSlice,
    ) -> Bytes {
        let mut out = self.open_result(id, 256);
        out.key("protocolVersion").str(revision.as_str());
        let extensions = self.extensions(revision, extensions, client);
        out.key("capabilities").slice(&capabilities.write(revision, &extensions));
        out.key("serverInfo").slice(self.implementation(revision));
        self.instructions(&mut out);
        self.close_result(out, revision, br#""complete""#)
    }

    /// The response to `server/discover`. It is `private` if only callers with credentials get it.
    pub fn discover(
        &self,
        id: &RequestId,
        revision: Revision,
        (capabilities, extensions): (Capabilities, Extensions),
        client: &JsonSlice,
        private: bool,
    ) -> Bytes {
        let mut out = self.open_result(id, 512);
        out.key("supportedVersions").begin_array();
        for served in self.identity.revisions.iter() {
            out.str(served.as_str());
        }
        out.end_array();
        let extensions = self.extensions(revision, extensions, client);
        out.key("capabilities").slice(&capabilities.write(revision, &extensions));
        self.instructions(&mut out);
        let hints = self.hints(Cacheable::Discover, None, false);
        let hints = if private { CacheHints { scope: CacheScope::Private, ..hints } } else { hints };
        hints.write(revision, &mut out);
        self.close_result(out, revision, br#""complete""#)
    }

    /// The extensions to announce. A legacy client gets them only if it has announced some itself (digest section 9.2).
    fn extensions(&self, revision: Revision, own: Extensions, client: &JsonSlice) -> Vec<(&str, JsonSlice)> {
        let told = revision.is_modern() || client.member("extensions").is_some();
        if told { own.told(&self.identity.extensions) } else { Vec::new() }
    }

    fn instructions(&self, out: &mut JsonWriter) {
        if let Some(instructions) = &self.identity.instructions {
            out.key("instructions").str(instructions);
        }
    }

    /// The caching hints of a result; see [`CacheSettings::hints`].
    pub fn hints(&self, of: Cacheable, own: Option<CacheHints>, is_retry: bool) -> CacheHints {
        self.identity.cache.hints(of, own, is_retry)
    }

    /// The name of the server.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub fn name(&self) -> Option<String> {
        let name = self.implementation(Revision::V2026_07_28).member("name")?;
        Some(name.decode_str()?.into_owned())
    }

    /// The response to a list method. `array` is the JSON array of the page, `next` the cursor of the next page. A list
    /// that differs between callers is `private`, whatever the settings say (AU-19).
    pub fn list(
        &self,
        id: &RequestId,
        revision: Revision,
        (member, of, private): (&str, Option<Cacheable>, bool),
        array: &JsonSlice,
        next: Option<&str>,
    ) -> Bytes {
        let mut out = self.open_result(id, array.as_bytes().len() + next.map_or(0, str::len));
        out.key(member).slice(array);
        if let Some(next) = next {
            out.key("nextCursor").str(next);
        }
        if let Some(of) = of {
            let hints = self.hints(of, None, false);
            let hints = if private { CacheHints { scope: CacheScope::Private, ..hints } } else { hints };
            hints.write(revision, &mut out);
        }
        self.close_result(out, revision, br#""complete""#)
    }

    /// The response with a handler's result. `hints` are set for a result that may be cached; the flag tells whether
    /// the handler may change them.
    pub fn result(
        &self,
        id: &RequestId,
        revision: Revision,
        checked: &CheckedResult<'_>,
        hints: Option<(CacheHints, bool)>,
    ) -> Bytes {
        let size = checked.size();
        let mut out = self.open_result(id, size + size / 8);
        let rest = checked.write(revision, &mut out);
        let hints = hints.map(|(hints, own)| if own { rest.hints(hints) } else { hints });
        rest.write(revision, self.implementation(revision), hints, &mut out);
        out.verbatim(b"}}");
        out.into_bytes()
    }

    /// The response to `completion/complete` without suggestions.
    pub fn no_suggestions(&self, id: &RequestId, revision: Revision) -> Bytes {
        let mut out = self.open_result(id, 64);
        out.key("completion").begin_object().key("values").begin_array().end_array().end_object();
        self.close_result(out, revision, br#""complete""#)
    }

    /// A tool's failure with a text of the engine.
    pub fn failed(&self, id: &RequestId, revision: Revision, text: &str) -> Bytes {
        let mut out = self.open_result(id, text.len() + text.len() / 8);
        out.key("content").begin_array().begin_object().key("type").str("text").key("text").str(text);
        out.end_object().end_array().key("isError").bool(true);
        self.close_result(out, revision, br#""complete""#)
    }

    /// The end of a subscription, as the response to the request that began it (SU-7).
    pub fn listened(&self, id: &RequestId, revision: Revision) -> Bytes {
        let mut out = self.open_result(id, 128);
        out.key("resultType").str("complete").key("_meta").begin_object();
        out.key(SUBSCRIPTION_ID).slice(id.raw());
        out.key("io.modelcontextprotocol/serverInfo").slice(self.implementation(revision)).end_object();
        out.verbatim(b"}}");
        out.into_bytes()
    }

    /// The response that asks the client for input (MR-2, MR-3). `requests` gives key, method and params of each
    /// question.
    pub fn input_required<'a>(
        &self,
        id: &RequestId,
        revision: Revision,
        requests: impl Iterator<Item = (&'a str, &'a str, &'a JsonSlice)>,
        state: &str,
    ) -> Bytes {
        let mut out = self.open_result(id, 512 + state.len());
        out.key("inputRequests").begin_object();
        for (key, method, params) in requests {
            out.key(key).begin_object().key("method").str(method).key("params").slice(params).end_object();
        }
        out.end_object().key("requestState").str(state);
        self.close_result(out, revision, br#""input_required""#)
    }
}

/// An error response. If the id is not known, the member is left out. Only the revisions 2024-11-05 to 2025-06-18
/// require it, so they get `null`, as JSON-RPC defines (RPC-15, BAD-1).
pub fn error(id: Option<&RequestId>, revision: Option<Revision>, error: &RpcError) -> Bytes {
    let mut out = JsonWriter::with_capacity(128 + error.message.len());
    out.begin_object().key("jsonrpc").str("2.0");
    match id {
        Some(id) => {
            out.key("id").slice(id.raw());
        }
        None if revision.is_some_and(|revision| revision <= Revision::V2025_06_18) => {
            out.key("id").null();
        }
        None => {}
    }
    out.key("error").begin_object();
    out.key("code").int(i64::from(error.code_in(revision))).key("message").str(&error.message);
    if let Some(data) = &error.data {
        out.key("data").slice(data);
    }
    out.end_object().end_object();
    out.into_bytes()
}

/// An error that replaces a response of this module, for the same request.
pub fn instead(response: &Bytes, with: &RpcError) -> Bytes {
    let id = Reply::of(response).map(|reply| reply.id);
    error(id.as_ref(), None, with)
}

/// The responses to a batch as one array (BAT-7).
pub fn batch<'a>(answers: impl Iterator<Item = &'a Bytes> + Clone) -> Bytes {
    let mut out = Vec::with_capacity(1 + answers.clone().map(|answer| answer.len() + 1).sum::<usize>());
    for answer in answers {
        out.push(if out.is_empty() { b'[' } else { b',' });
        out.extend_from_slice(answer);
    }
    out.push(b']');
    out.into()
}

/// A notification.
pub fn notification(method: &str, params: Option<&JsonSlice>) -> Bytes {
    let mut out = JsonWriter::with_capacity(64 + params.map_or(0, |params| params.as_bytes().len()));
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(method);
    if let Some(params) = params {
        out.key("params").slice(params);
    }
    out.end_object();
    out.into_bytes()
}

/// A request of the server, for legacy sessions only.
pub fn server_request(id: u64, method: &str, params: &JsonSlice) -> Bytes {
    let mut out = JsonWriter::with_capacity(64 + params.as_bytes().len());
    out.begin_object().key("jsonrpc").str("2.0").key("id").uint(id);
    out.key("method").str(method).key("params").slice(params).end_object();
    out.into_bytes()
}

/// `notifications/cancelled` for a request of the server.
pub fn cancelled(id: u64, reason: &str) -> Bytes {
    let mut out = JsonWriter::with_capacity(128);
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(outgoing::CANCELLED);
    out.key("params").begin_object().key("requestId").uint(id).key("reason").str(reason);
    out.end_object().end_object();
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn an_error_in_place_of_a_response_has_its_id() {
        let id = |text: &str| {
            let raw = JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &json::Limits::default());
            RequestId::new(raw.unwrap()).unwrap()
        };
        let busy = RpcError::busy("busy");
        for text in ["7", "-12", r#""""#, r#""a""#, r#""a,\"b\",""#, r#""\\""#, r#""{\\\"""#] {
            let wanted = error(Some(&id(text)), None, &busy);
            assert_eq!(instead(&error(Some(&id(text)), None, &busy), &busy), wanted, "{text}");
        }
        let array = Bytes::from_static(br#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#);
        assert_eq!(instead(&array, &busy), error(None, None, &busy));
    }
}
