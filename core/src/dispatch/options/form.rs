//! The forms of options: what a value may be, in the words of each language.

use super::spelling::Spelling;
use super::values::disabled::disabled_members;

/// The form of an option's value: its type, its range, its words.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Form {
    /// True or false.
    Flag,
    /// An integer of at least `min`.
    Count {
        /// The smallest value.
        min: u64,
    },
    /// A time above 0.
    Time,
    /// Text.
    Text,
    /// True, false, or a list of names of arguments.
    Audit,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A list of any words.
    Words,
    /// A list of words that the engine knows.
    KnownWords(fn() -> Vec<&'static str>),
    /// How long a response may be cached, and by whom.
    CacheHints,
    /// The same, and in Node also for single methods.
    CacheHintsOfAll,
    /// An object with caching hints by method.
    CacheHintsOf,
    /// An object with JSON objects by name.
    Objects,
    /// JSON whose form the protocol defines.
    Json,
    /// The URL of a store, or in some languages a store.
    StoreUrl,
    /// A list of names.
    Names,
    /// An object with a list of names for each name.
    Lists,
    /// An object with access rules for each tag.
    TagRules,
    /// An object with a positive integer for each key.
    CountsByKey,
    /// A rate limit, or a list of them.
    RateLimit,
    /// One rate limit.
    Limiter,
    /// An object with a rate limit for each name.
    Limiters,
    /// An object with a circuit breaker for each name.
    Breakers,
    /// A cache.
    Cache,
    /// A retry policy.
    Retry,
    /// A circuit breaker.
    CircuitBreaker,
    /// A principal.
    Principal,
    /// A list of verifiers.
    Verifiers,
    /// A list of static keys.
    ApiKeys,
    /// A text or a list of texts.
    Texts,
    /// An absolute URL.
    Url,
    /// An object with lists of names.
    Disabled,
    /// A list of secret keys.
    Keys,
    /// The number of a TCP port.
    Port,
    /// A host name or an IP address.
    Host,
    /// The path of a URL.
    UrlPath,
    /// The path of a file.
    FilePath,
    /// The permissions of a file.
    FileMode,
    /// A descriptor, or an object of the language that has one.
    Descriptor,
}

impl Form {
    /// A description of valid values, in the words of a language.
    pub fn expected(self, spelling: Spelling) -> String {
        use Spelling::{Node, Python};
        let (list, object) = match spelling {
            Python => ("a list", "a dict"),
            Node => ("an array", "an object"),
            _ => ("a JSON array", "a JSON object"),
        };
        match (self, spelling) {
            (Form::Flag, Python) => "True or False".to_owned(),
            (Form::Flag, Node) => "a boolean".to_owned(),
            (Form::Flag, _) => "true or false".to_owned(),
            (Form::Count { min: 1 }, _) => "a positive integer".to_owned(),
            (Form::Count { min }, _) => format!("an integer from {min}"),
            (Form::Time, _) => format!("a number of {} above 0", spelling.unit()),
            (Form::Text, Python) => "a str".to_owned(),
            (Form::Text, _) => "a string".to_owned(),
            (Form::Audit, Python) => "True, False or a list of names of arguments".to_owned(),
            (Form::Audit, Node) => "a boolean or an array of names of arguments".to_owned(),
            (Form::Audit, _) => format!("true, false or {list} of names of arguments"),
            (Form::Word(words), _) => spelling.one_of(words()),
            (Form::Words | Form::KnownWords(_) | Form::Names, _) => format!("{list} of strings"),
            (Form::CacheHints | Form::CacheHintsOfAll, Python) => "a number of seconds from 0".to_owned(),
            (Form::Lists, _) => format!("{object} with {list} of strings for each name"),
            (Form::TagRules, _) => format!("{object} with the members scopes, roles and public for each tag"),
            (Form::CountsByKey, _) => format!("{object} with a positive integer for each key"),
            (Form::RateLimit, _) => {
                let (text, rate) = (Form::Text.expected(spelling), spelling.quoted("60/min"));
                format!("{text} such as {rate}, {object} with amount and per, or {list} of these")
            }
            (Form::Limiter, _) => {
                let (text, rate) = (Form::Text.expected(spelling), spelling.quoted("60/min"));
                format!("{text} such as {rate} or {object} with amount and per")
            }
            (Form::Limiters, _) => format!("{object} with a rate limit for each name"),
            (Form::Breakers, _) => format!("{object} with a circuit breaker for each name"),
            (Form::Cache, _) => {
                format!("{}, or {object} with ttl", Form::Time.expected(spelling))
            }
            (Form::Retry, _) => {
                format!("{}, or {object}", Form::Count { min: 2 }.expected(spelling))
            }
            (Form::Principal, _) => format!("a string or {object} with the member subject"),
            (Form::Verifiers, _) => format!("{list} of verifiers, each with the member type"),
            (Form::ApiKeys, _) => format!("{list} of keys, each with the member subject"),
            (Form::Texts, _) => format!("a string or {list} of strings"),
            (Form::Url, _) => "a URL that begins with http:// or https://".to_owned(),
            (
                Form::CacheHints
                | Form::CacheHintsOfAll
                | Form::CacheHintsOf
                | Form::Objects
                | Form::Disabled
                | Form::CircuitBreaker,
                _,
            ) => object.to_owned(),
            (Form::Keys, Python) => "a list of keys of 32 bytes".to_owned(),
            (Form::Keys, Node) => "an array of keys of 32 bytes".to_owned(),
            (Form::Keys, _) => format!("{list} of strings, each with 32 bytes in hex or base64"),
            (Form::Json, _) => "JSON".to_owned(),
            (Form::StoreUrl, Python) => "a str with a URL, or a store with a method submit".to_owned(),
            (Form::StoreUrl, Node) => "a string with a URL, or a store with a method submit".to_owned(),
            (Form::StoreUrl, _) => "a string with a URL".to_owned(),
            (Form::Port, _) => "a number from 0 to 65535".to_owned(),
            (Form::Host, _) => "a host name or an address".to_owned(),
            (Form::UrlPath, _) => "a path that begins with /".to_owned(),
            (Form::FilePath, _) => "a path".to_owned(),
            (Form::FileMode, Python | Node) => "a number from 0 to 0o777".to_owned(),
            (Form::FileMode, _) => "a number from 0 to 511 (octal 777)".to_owned(),
            (Form::Descriptor, Python) => "a socket or a descriptor".to_owned(),
            (Form::Descriptor, Node) => {
                "the number of a descriptor, or an object with one, such as a net.Server".to_owned()
            }
            (Form::Descriptor, _) => "the number of a descriptor".to_owned(),
        }
    }

    /// The type in Python, with names of `tenon_mcp.types`.
    pub fn python(self) -> String {
        let literal = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("Literal[{}]", words.join(", "))
        };
        match self {
            Form::Flag => "bool".to_owned(),
            Form::Count { .. } | Form::Port | Form::FileMode => "int".to_owned(),
            Form::Time => "float".to_owned(),
            Form::Text | Form::Host | Form::UrlPath | Form::Url => "str".to_owned(),
            Form::Audit => "bool | Sequence[str]".to_owned(),
            Form::FilePath => "str | os.PathLike[str]".to_owned(),
            Form::Descriptor => "int | HasFileno".to_owned(),
            Form::Word(words) => literal(&words()),
            Form::Words => "Collection[str]".to_owned(),
            Form::KnownWords(_) | Form::Names => "Sequence[str]".to_owned(),
            Form::CacheHints | Form::CacheHintsOfAll => "float | CacheHints".to_owned(),
            Form::CacheHintsOf => "dict[str, float | CacheHints]".to_owned(),
            Form::Objects => "dict[str, dict[str, Any]]".to_owned(),
            Form::Lists => "dict[str, Sequence[str]]".to_owned(),
            Form::TagRules => "dict[str, AccessRule]".to_owned(),
            Form::CountsByKey => "dict[str, int]".to_owned(),
            Form::RateLimit => "RateLimits".to_owned(),
            Form::Limiter => "str | RateLimit | dict[str, Any]".to_owned(),
            Form::Limiters => "dict[str, str | RateLimit | dict[str, Any]]".to_owned(),
            Form::Breakers => "dict[str, CircuitBreaker | dict[str, Any]]".to_owned(),
            Form::Cache => "float | Cache | dict[str, Any]".to_owned(),
            Form::Retry => "int | Retry | dict[str, Any]".to_owned(),
            Form::CircuitBreaker => "CircuitBreaker | dict[str, Any]".to_owned(),
            Form::Principal => "str | Principal | dict[str, Any]".to_owned(),
            Form::Verifiers => "Sequence[Verifier]".to_owned(),
            Form::ApiKeys => "Sequence[ApiKey | dict[str, Any]]".to_owned(),
            Form::Texts => "str | Sequence[str]".to_owned(),
            Form::Disabled => "dict[str, Sequence[str]]".to_owned(),
            Form::Keys => "Iterable[bytes]".to_owned(),
            Form::Json => "Sequence[dict[str, Any]]".to_owned(),
            Form::StoreUrl => "str | Store".to_owned(),
        }
    }

    /// The type in TypeScript, with names of `index.d.ts`.
    pub fn typescript(self) -> String {
        let union =
            |words: &[&str]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | ");
        match self {
            Form::Flag => "boolean".to_owned(),
            Form::Count { .. } | Form::Time | Form::Port | Form::FileMode => "number".to_owned(),
            Form::Text | Form::Host | Form::UrlPath | Form::FilePath | Form::Url => "string".to_owned(),
            Form::Audit => "boolean | readonly string[]".to_owned(),
            Form::Descriptor => "Descriptor".to_owned(),
            Form::Names => "string[]".to_owned(),
            Form::Word(words) => union(&words()),
            Form::Words => "Iterable<string>".to_owned(),
            Form::KnownWords(words) => format!("({})[]", union(&words())),
            Form::CacheHints => "CacheHints".to_owned(),
            Form::CacheHintsOfAll | Form::CacheHintsOf => "ServerCacheHints".to_owned(),
            Form::Objects => "{ readonly [id: string]: { readonly [setting: string]: unknown } }".to_owned(),
            Form::Lists => "{ readonly [name: string]: readonly string[] }".to_owned(),
            Form::TagRules => "{ readonly [tag: string]: AccessRule }".to_owned(),
            Form::CountsByKey => "{ readonly [key: string]: number }".to_owned(),
            Form::RateLimit => "RateLimits".to_owned(),
            Form::Limiter => "string | RateLimit".to_owned(),
            Form::Limiters => "{ readonly [name: string]: string | RateLimit }".to_owned(),
            Form::Breakers => "{ readonly [name: string]: CircuitBreaker }".to_owned(),
            Form::Cache => "number | Cache".to_owned(),
            Form::Retry => "number | Retry".to_owned(),
            Form::CircuitBreaker => "CircuitBreaker".to_owned(),
            Form::Principal => "string | PrincipalOptions".to_owned(),
            Form::Verifiers => "Verifier[]".to_owned(),
            Form::ApiKeys => "ApiKey[]".to_owned(),
            Form::Texts => "string | string[]".to_owned(),
            Form::Disabled => {
                let member = |name| format!("readonly {name}?: readonly string[]");
                format!("{{ {} }}", disabled_members().map(member).collect::<Vec<_>>().join("; "))
            }
            Form::Keys => "(Uint8Array | string)[]".to_owned(),
            Form::Json => "Icon[]".to_owned(),
            Form::StoreUrl => "string | Store".to_owned(),
        }
    }
}
