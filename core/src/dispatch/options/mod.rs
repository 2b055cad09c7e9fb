//! The options of entries (policies) and of servers (settings): one table each. The options of transports are a table of
//! the same kind in `runtime/options`.
//!
//! A row of a table is all that the engine, the bindings, the header, the typings and the reference pages know of an
//! option. [`set_all`] takes options as JSON in the spelling of any language, and [`write()`] returns them.
//!
//! To add a policy, write a row in `policies.rs`; to add a setting, one in `settings.rs`.

mod form;
mod owners;
mod patterns;
#[macro_use]
mod table;
mod access;
mod policies;
mod policy_values;
mod settings;
mod spelling;
#[cfg(test)]
mod tests;
pub(crate) mod types;
pub(crate) mod values;

pub use access::{OptionError, Options};
pub(crate) use access::{check, fill, fill_rows, only_for, set_at, value_of, write_shown};
pub use access::{names, set, set_all, set_known, unknown_option, write};
pub use form::Form;
pub use owners::{Owner, Owners};
pub(crate) use patterns::{KIND_WORDS, MAX_NAME, MAX_NAMES, kind_word, matches};
pub use policies::Policies;
pub(crate) use policies::{
    access_policies, call_policies, common_policies, list_policies, read_policies, result_policies,
    schema_policies, sensitive_policies, state_policies, task_policies, template_policies,
};
pub use policy_values::{POLICY_VALUES, PolicyValueRow, ShortForm};
pub use settings::ServerSettings;
pub(crate) use settings::{access_settings, server_settings};
pub use spelling::Spelling;
pub use table::OptionRow;
pub(crate) use table::{Access, options, setter};
pub(crate) use values::authorization::{Grants, PublicUrl};
pub use values::cache::Cache;
pub use values::circuit_breaker::CircuitBreaker;
pub(crate) use values::concurrency_by_key::ConcurrencyByKey;
pub use values::disabled::Disabled;
pub(crate) use values::disabled::disabled_members;
pub(crate) use values::named::{Breakers, Limiters};
pub use values::rate_limit::RateLimit;
pub(crate) use values::rate_limit::{MAX_RATE_LIMITS, RateLimits};
pub use values::retry::Retry;
pub use values::sensitive::{Audit, AuditTarget};
pub use values::store_url::StoreUrl;
pub use values::verifiers::ApiKeyOptions;
pub(crate) use values::verifiers::{
    FilePath, api_key_options, introspection_options, jwt_options, key_options, token_options,
    verifier_options,
};
pub use values::verifiers::{VERIFIERS, Verifier, VerifierKind, VerifierOptions, VerifierRow};
