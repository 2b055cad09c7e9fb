//! Outcomes as the bytes that caches keep.

use crate::dispatch::policy::{CachedForm, CachedResult};
use crate::host::calls::op::Outcome;
use crate::json::JsonSlice;
use crate::proto::catalog::cache::CacheScope;
use bytes::Bytes;
use std::time::Duration;

/// A result as bytes; `None` if the outcome is no result. The bytes are copied, because they may be part of a larger text.
pub(super) fn cached(outcome: &Outcome) -> Option<CachedResult> {
    let (form, bytes) = match outcome {
        Outcome::Text(text) => (CachedForm::Text, text.as_bytes()),
        Outcome::Json(value) => (CachedForm::Json, value.as_bytes()),
        Outcome::Bytes(bytes) => (CachedForm::Bytes, bytes.as_slice()),
        Outcome::Content(value) => (CachedForm::Content, value.as_bytes()),
        Outcome::Result(value) => (CachedForm::Result, value.as_bytes()),
        Outcome::Failed(_) | Outcome::Exception(_) | Outcome::Error(_) | Outcome::Suspend => return None,
    };
    Some(CachedResult { form, bytes: Bytes::copy_from_slice(bytes) })
}

/// The outcome that a result was made from.
pub(super) fn outcome(result: &CachedResult) -> Outcome {
    let json = || JsonSlice::from_trusted(result.bytes.clone());
    match result.form {
        CachedForm::Text => Outcome::Text(String::from_utf8_lossy(&result.bytes).into_owned()),
        CachedForm::Json => Outcome::Json(json()),
        CachedForm::Bytes => Outcome::Bytes(result.bytes.to_vec()),
        CachedForm::Content => Outcome::Content(json()),
        CachedForm::Result => Outcome::Result(json()),
    }
}

/// How long an outcome may be kept and be given to other callers, as far as it says so itself. Zero: not at all.
pub(super) fn time_in(outcome: &Outcome, is_public: bool) -> Option<Duration> {
    let Outcome::Result(result) = outcome else { return None };
    let scope = result.member("cacheScope").and_then(|scope| CacheScope::named(&scope.decode_str()?));
    if is_public && scope == Some(CacheScope::Private) {
        return Some(Duration::ZERO);
    }
    let millis: f64 = result.member("ttlMs")?.deserialize().ok()?;
    Some(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default())
}
