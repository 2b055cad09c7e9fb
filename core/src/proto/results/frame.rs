//! The frame of a result: the members that every result of a revision has.

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::{CacheHints, CacheScope};
use crate::proto::results::shape::SERVER_INFO;
use crate::proto::version::Revision;
use std::time::Duration;

/// The members of the frame that the handler has set.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// The result's `_meta`.
    pub meta: Option<JsonSlice>,
    /// How long the result may be cached.
    pub ttl: Option<Duration>,
    /// Who may get the cached result.
    pub scope: Option<CacheScope>,
    /// The `resultType` of a program's own method.
    pub result_type: Option<JsonSlice>,
}

impl Rest {
    /// The caching hints of the result; `hints` are the defaults. Not called for a retry, whose hints cannot be changed
    /// (CA-3).
    pub fn hints(&self, hints: CacheHints) -> CacheHints {
        CacheHints::new(self.ttl.unwrap_or(hints.ttl), self.scope.unwrap_or(hints.scope))
    }

    /// Writes the members that every result of `revision` has (RPC-12, VER-8), and those that the handler has set.
    /// `server` is the server's implementation. `hints` are set if the result may be cached (CA-1, CA-9).
    pub fn write(
        &self,
        revision: Revision,
        server: &JsonSlice,
        hints: Option<CacheHints>,
        out: &mut JsonWriter,
    ) {
        if !revision.is_modern() {
            if let Some(meta) = &self.meta {
                out.key("_meta").slice(meta);
            }
            return;
        }
        if let Some(hints) = hints {
            hints.write(revision, out);
        }
        match &self.result_type {
            Some(given) => out.key("resultType").slice(given),
            None => out.key("resultType").raw(br#""complete""#),
        };
        if self.meta.is_none() {
            out.verbatim(SERVER_INFO).slice(server).verbatim(b"}");
            return;
        }
        out.key("_meta").begin_object();
        if let Some(meta) = &self.meta {
            // Keys of the protocol were refused before (META-2).
            for member in meta.members() {
                out.key(&member.name(meta.as_bytes())).raw(member.text(meta.as_bytes()));
            }
        }
        out.key("io.modelcontextprotocol/serverInfo").slice(server).end_object();
    }
}
