//! The types of options' values, by the names that the tables use.

pub(crate) use super::authorization::{Grants, NamedPrincipal, PublicUrl, ScopeHierarchy, TagRules};
pub(crate) use super::cache::CacheOf;
pub(crate) use crate::dispatch::access::Anonymous;
pub(crate) use super::disabled::Disabled;
pub(crate) use super::state_keys::StateKeys;
pub(crate) use super::store_url::StoreUrl;
pub(crate) use super::verifiers::{ApiKeyList, FilePath, Texts, Verifiers};
pub(crate) use super::values::{Declared, Extensions, Tags};
pub(crate) use crate::dispatch::log::LogLevel;
pub(crate) use crate::dispatch::validation::arguments::UnknownArguments;
pub(crate) use crate::json::JsonSlice;
pub(crate) use crate::proto::catalog::cache::{CacheHints, CacheSettings};
pub(crate) use crate::proto::session::task::TaskSupport;
pub(crate) use crate::proto::version::{Revision, Revisions};
pub(crate) use std::primitive::{bool, usize};
pub(crate) use std::string::String;
pub(crate) use std::time::Duration;
