//! The types of options' values, by the names that the tables use.

pub(crate) use super::values::authorization::{Grants, NamedPrincipal, PublicUrl, ScopeHierarchy, TagRules};
pub(crate) use super::values::cache::Cache;
pub(crate) use super::values::cache_hints::CacheHintsOf;
pub(crate) use super::values::circuit_breaker::{CircuitBreaker, Failures};
pub(crate) use super::values::concurrency_by_key::ConcurrencyByKey;
pub(crate) use super::values::disabled::Disabled;
pub(crate) use super::values::keys::Keys;
pub(crate) use super::values::named::{Breakers, Limiters};
pub(crate) use super::values::rate_limit::{RateLimits, RequestLimits};
pub(crate) use super::values::retry::Retry;
pub(crate) use super::values::sensitive::{Audit, AuditTarget, NonEmptyText};
pub(crate) use super::values::state_keys::StateKeys;
pub(crate) use super::values::store_url::StoreUrl;
pub(crate) use super::values::verifiers::{ApiKeyList, FilePath, Texts, Verifiers};
pub(crate) use super::values::{Declared, Extensions, Tags};
pub(crate) use crate::dispatch::access::Anonymous;
pub(crate) use crate::dispatch::log::LogLevel;
pub(crate) use crate::dispatch::policy::{Counts, OnStoreFailure, RefusalForm, Window};
pub(crate) use crate::dispatch::validation::arguments::UnknownArguments;
pub(crate) use crate::json::JsonSlice;
pub(crate) use crate::proto::catalog::cache::{CacheHints, CacheSettings};
pub(crate) use crate::proto::session::task::TaskSupport;
pub(crate) use crate::proto::version::{Revision, Revisions};
pub(crate) use std::primitive::{bool, usize};
pub(crate) use std::string::String;
pub(crate) use std::time::Duration;
