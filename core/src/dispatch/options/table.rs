//! The macro that makes a table of options, the struct of their values, and the setters of Rust.

use super::form::Form;
use super::owners::{Owner, Owners};
use super::spelling::Spelling;
use super::values::At;
use crate::json::JsonSlice;
use serde_json::Value;

/// A row of a table of options.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OptionRow {
    /// The name in Rust, Python and C; Node has it in camelCase.
    pub name: &'static str,
    /// The group of options that have the same owners.
    pub group: &'static str,
    /// The form of valid values.
    pub form: Form,
    /// Which entries, servers or transports may have the option.
    pub owners: Owners,
    /// Whether a reload of settings may change the option while the server runs.
    pub changeable: bool,
    /// Whether the value is secret: it is never shown in logs or when options are read back.
    pub secret: bool,
    /// The only language that does not have the option, because another option there includes it. Settings files do not have
    /// the options that weaken safety: only code may set these.
    pub absent: Option<Spelling>,
    /// The description of the option, in sentences.
    pub text: &'static str,
}

/// How the value of a row is reached in the struct `T`.
pub struct Access<T> {
    /// Reads a value from JSON.
    pub(crate) read: fn(&mut T, &JsonSlice, &At) -> Result<(), String>,
    /// Checks the value, if it is set.
    pub(crate) check: fn(&T, &At) -> Result<(), String>,
    /// The value, if it is set.
    pub(crate) write: fn(&T, Spelling) -> Option<Value>,
    /// Sets the value to that of another struct, if it is not set. Returns whether this changed it.
    pub(crate) fill: fn(&mut T, &T) -> bool,
}

impl OptionRow {
    /// Whether `owner` may have the option.
    pub fn is_for(&self, owner: Owner) -> bool {
        self.owners.contains(owner)
    }
}

/// The parameter's type of a Rust setter, and the expression that converts the parameter to the stored value. Paths are
/// full, so that users need no imports.
macro_rules! setter {
    (@param $types:tt String) => { impl Into<String> };
    (@param $types:tt JsonSlice) => { impl Into<$crate::dispatch::options::types::JsonSlice> };
    (@param $types:tt Tags) => { impl IntoIterator<Item = impl Into<String>> };
    (@param $types:tt Names) => { impl IntoIterator<Item = impl Into<String>> };
    (@param $types:tt Verifiers) => { impl IntoIterator<Item = $crate::dispatch::options::Verifier> };
    (@param $types:tt Texts) => { impl IntoIterator<Item = impl Into<String>> };
    (@param $types:tt ApiKeyList) => { impl IntoIterator<Item = impl Into<$crate::dispatch::options::ApiKeyOptions>> };
    (@param $types:tt FilePath) => { impl Into<std::path::PathBuf> };
    (@param $types:tt Grants) => { impl IntoIterator<Item = impl Into<String>> };
    (@param $types:tt PublicUrl) => { impl Into<String> };
    (@param $types:tt Audit) => { impl Into<$crate::dispatch::options::types::Audit> };
    (@param $types:tt AuditTarget) => { impl Into<$crate::dispatch::options::types::AuditTarget> };
    (@param $types:tt NonEmptyText) => { impl Into<String> };
    (@param $types:tt NamedPrincipal) => { impl Into<$crate::dispatch::principal::Principal> };
    (@param $types:tt FileMode) => { u32 };
    (@param $types:tt StateKeys) => { impl IntoIterator<Item = [u8; 32]> };
    (@param $types:tt Revisions) => { impl IntoIterator<Item = $crate::dispatch::options::types::Revision> };
    (@param $types:tt Cache) => { $crate::dispatch::options::types::Cache };
    (@param $types:tt Retry) => { $crate::dispatch::options::types::Retry };
    (@param $types:tt CircuitBreaker) => { $crate::dispatch::options::types::CircuitBreaker };
    (@param $types:tt Failures) => { impl Into<$crate::dispatch::options::types::Failures> };
    (@param $types:tt Keys) => { impl Into<$crate::dispatch::options::types::Keys> };
    (@param $types:tt ConcurrencyByKey) => { impl IntoIterator<Item = ($crate::dispatch::policy::Key, usize)> };
    (@param $types:tt Limiters) => {
        impl IntoIterator<Item = (impl Into<String>, $crate::dispatch::options::RateLimit)>
    };
    (@param $types:tt Breakers) => {
        impl IntoIterator<Item = (impl Into<String>, $crate::dispatch::options::CircuitBreaker)>
    };
    (@param $types:tt RateLimits) => { impl Into<$crate::dispatch::options::types::RateLimits> };
    (@param $types:tt RequestLimits) => { impl Into<$crate::dispatch::options::types::RequestLimits> };
    (@param $types:tt CacheSettings) => { $crate::dispatch::options::types::CacheHints };
    (@param [$($types:ident)+] $type:ident) => { $crate$(::$types)+::$type };
    (@set Tags $options:expr, $name:ident, $value:ident) => {
        $options.$name.get_or_insert_default().0.extend($value.into_iter().map(Into::into))
    };
    (@set $type:ident $options:expr, $name:ident, $value:ident) => {
        $options.$name = Some($crate::dispatch::options::setter!(@value $type $value))
    };
    (@value ConcurrencyByKey $value:ident) => { $value.into_iter().collect() };
    (@value Limiters $value:ident) => { $value.into_iter().collect() };
    (@value Breakers $value:ident) => { $value.into_iter().collect() };
    (@value Revisions $value:ident) => { $value.into_iter().collect() };
    (@value Verifiers $value:ident) => { $crate::dispatch::options::types::Verifiers($value.into_iter().collect()) };
    (@value Texts $value:ident) => { $value.into_iter().collect() };
    (@value ApiKeyList $value:ident) => {
        $crate::dispatch::options::types::ApiKeyList($value.into_iter().map(Into::into).collect())
    };
    (@value FilePath $value:ident) => { $crate::dispatch::options::types::FilePath($value.into()) };
    (@value Grants $value:ident) => { $value.into_iter().collect() };
    (@value NamedPrincipal $value:ident) => { $crate::dispatch::options::types::NamedPrincipal($value.into()) };
    (@value NonEmptyText $value:ident) => { $crate::dispatch::options::types::NonEmptyText::from($value) };
    (@value PublicUrl $value:ident) => { $crate::dispatch::options::types::PublicUrl($value.into()) };
    (@value StateKeys $value:ident) => { $value.into_iter().collect() };
    (@value Names $value:ident) => { $value.into_iter().map(Into::into).collect() };
    (@value $type:ident $value:ident) => { $value.into() };
}
pub(crate) use setter;

/// A table of options.
///
/// `in` names the module that has the types of the values. `at` says which owners the options of a group have. Each group
/// becomes a macro of that name, which expands to the Rust setters of its rows. The type that uses it has a method
/// `options_mut`, which gives the struct of values.
macro_rules! options {
    (@form $type:ty) => { <$type as $crate::dispatch::options::values::OptionValue>::FORM };
    (@form $type:ty, $form:expr) => { $form };
    (
        $(#[$meta:meta])* $table:ident in $($types:ident)::+;
        $(group $group:ident at $owners:expr; {
            $($(#[doc = $text:literal])+ $name:ident: $type:ident $(= $form:expr)? $(, $key:ident: $flag:expr)*;)+
        })+
    ) => {
        $crate::dispatch::options::options!(@rows [$($types)+] $(#[$meta])* $table;
            $($group $owners, $($(#[doc = $text])+ $name $type [$($form)?] [$($key: $flag),*])+;)+);
    };
    (
        @rows $types:tt $(#[$meta:meta])* $table:ident;
        $($group:ident $owners:expr, $($(#[doc = $text:literal])+ $name:ident $type:ident [$($form:expr)?]
            [$($key:ident: $flag:expr),*])+;)+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Default)]
        pub struct $table {
            $($(pub(crate) $name: Option<$type>,)+)+
        }

        /// Secret values are not shown.
        impl std::fmt::Debug for $table {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::dispatch::options::write(self, $crate::dispatch::options::Spelling::Rust).as_str())
            }
        }

        impl $crate::dispatch::options::Options for $table {
            const TABLE: &'static [OptionRow] = &[$($(OptionRow {
                $($key: $flag,)*
                ..OptionRow {
                    name: stringify!($name),
                    group: stringify!($group),
                    form: $crate::dispatch::options::options!(@form $type $(, $form)?),
                    owners: $owners,
                    changeable: false,
                    secret: false,
                    absent: None,
                    text: concat!($($text, "\n"),+),
                }
            },)+)+];

            const ACCESS: &'static [Access<$table>] = &[$($(Access {
                read: |options, value, at| {
                    let value = <$type as OptionValue>::read(value, at)?;
                    value.check(at)?;
                    options.$name = Some(value);
                    Ok(())
                },
                check: |options, at| options.$name.as_ref().map_or(Ok(()), |value| value.check(at)),
                write: |options, spelling| options.$name.as_ref().map(|value| value.write(spelling)),
                fill: |options, others| {
                    let changes = options.$name.is_none() && others.$name.is_some();
                    if changes {
                        options.$name.clone_from(&others.$name);
                    }
                    changes
                },
            },)+)+];
        }

        $(
            /// The setters of these options, for a type with a method `options_mut`.
            #[allow(unused_macros)]
            macro_rules! $group {
                () => { $(
                    $(#[doc = $text])+
                    pub fn $name(mut self, value: $crate::dispatch::options::setter!(@param $types $type)) -> Self {
                        $crate::dispatch::options::setter!(@set $type self.options_mut(), $name, value);
                        self
                    }
                )+ };
            }
            #[allow(unused_imports)]
            pub(crate) use $group;
        )+
    };
}
pub(crate) use options;
