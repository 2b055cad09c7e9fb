//! Caching hints: how long a modern client may cache a result, and for whom (digest 7.6).

use crate::json::JsonWriter;
use crate::proto::version::Revision;
use std::time::Duration;

/// Who may get a cached result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheScope {
    /// All clients, even if the request was authenticated (CA-4).
    #[default]
    Public,
    /// Only the client that sent the request.
    Private,
}

impl CacheScope {
    /// The value in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            CacheScope::Public => "public",
            CacheScope::Private => "private",
        }
    }

    /// The scope with this value.
    pub fn named(word: &str) -> Option<CacheScope> {
        [CacheScope::Public, CacheScope::Private].into_iter().find(|scope| scope.as_str() == word)
    }
}

/// How long a result may be cached, and for whom. The default is no caching, and the scope is public.
///
/// A hint is not access control (CA-5). A list that differs between clients must be private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheHints {
    /// How long the result is fresh after it was received. It is sent in whole milliseconds, rounded down.
    pub ttl: Duration,
    /// Who may get the cached result in that time.
    pub scope: CacheScope,
}

/// The results that have caching hints (CA-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cacheable {
    /// `server/discover`
    Discover,
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `resources/read`
    Read,
    /// `skills/list`
    Skills,
    /// `skills/get`
    Skill,
}

/// The names of a response that can have hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheableNames {
    /// The method.
    pub method: &'static str,
    /// The name of the option.
    pub word: &'static str,
}

const fn row(cacheable: Cacheable, method: &'static str, word: &'static str) -> (Cacheable, CacheableNames) {
    (cacheable, CacheableNames { method, word })
}

/// In the order of the enumeration.
const ROWS: [(Cacheable, CacheableNames); 8] = [
    row(Cacheable::Discover, "server/discover", "discover"),
    row(Cacheable::Tools, "tools/list", "tools"),
    row(Cacheable::Prompts, "prompts/list", "prompts"),
    row(Cacheable::Resources, "resources/list", "resources"),
    row(Cacheable::ResourceTemplates, "resources/templates/list", "resource_templates"),
    row(Cacheable::Read, "resources/read", "read"),
    row(Cacheable::Skills, "skills/list", "skills"),
    row(Cacheable::Skill, "skills/get", "skill"),
];

impl Cacheable {
    /// Every response that can have hints, with its names.
    pub fn all() -> impl Iterator<Item = (Cacheable, CacheableNames)> {
        ROWS.into_iter()
    }

    /// The response of this method; `None` if it cannot have hints (CA-2).
    pub fn method(name: &str) -> Option<Cacheable> {
        ROWS.iter().find(|(_, names)| names.method == name).map(|(cacheable, _)| *cacheable)
    }
}

/// The largest integer that every JSON reader preserves.
pub(crate) const LONGEST: u64 = (1 << 53) - 1;

impl CacheHints {
    /// Hints for results that are fresh for `ttl`.
    pub fn new(ttl: Duration, scope: CacheScope) -> CacheHints {
        CacheHints { ttl, scope }
    }

    /// The hints for the result of a request with `inputResponses` or `requestState`, because it is for this request
    /// only (CA-3).
    pub fn once() -> CacheHints {
        CacheHints { ttl: Duration::ZERO, scope: CacheScope::Private }
    }

    /// Appends the members to a complete result that is [`Cacheable`]; nothing in legacy revisions (CA-9).
    pub fn write(self, revision: Revision, out: &mut JsonWriter) {
        if revision.is_modern() {
            let millis = u64::try_from(self.ttl.as_millis()).unwrap_or(LONGEST).min(LONGEST);
            out.key("ttlMs").uint(millis).key("cacheScope").str(self.scope.as_str());
        }
    }
}

/// The hints of a server: a default, and hints for single methods.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheSettings {
    default: CacheHints,
    own: [Option<CacheHints>; ROWS.len()],
}

/// The same hints for every response.
impl From<CacheHints> for CacheSettings {
    fn from(hints: CacheHints) -> CacheSettings {
        CacheSettings { default: hints, ..CacheSettings::default() }
    }
}

impl CacheSettings {
    /// Sets the hints of all results that have no hints of their own.
    pub fn set_default(&mut self, hints: CacheHints) {
        self.default = hints;
    }

    /// The hints of every response without hints of its own.
    pub fn default_hints(&self) -> CacheHints {
        self.default
    }

    /// The responses with hints of their own, and these hints.
    pub fn own(&self) -> impl Iterator<Item = (CacheableNames, CacheHints)> {
        ROWS.into_iter().filter_map(|(cacheable, names)| Some((names, self.own[cacheable as usize]?)))
    }

    /// Takes the hints of single responses that `others` have.
    pub fn merge(&mut self, others: &CacheSettings) {
        for (own, other) in self.own.iter_mut().zip(others.own) {
            *own = other.or(*own);
        }
    }

    /// Sets the hints of the results of one method. They apply to all pages of a list (PG-5).
    pub fn set(&mut self, cacheable: Cacheable, hints: CacheHints) {
        self.own[cacheable as usize] = Some(hints);
    }

    /// The hints of one result. `of_entry` are the hints of the resource that is read, if it has any. `is_retry` is
    /// true if the request had `inputResponses` or `requestState`.
    pub fn hints(&self, cacheable: Cacheable, of_entry: Option<CacheHints>, is_retry: bool) -> CacheHints {
        if is_retry {
            return CacheHints::once();
        }
        of_entry.or(self.own[cacheable as usize]).unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(hints: CacheHints, revision: Revision) -> String {
        let mut out = JsonWriter::new();
        out.begin_object();
        hints.write(revision, &mut out);
        out.end_object();
        out.into_slice().to_string()
    }

    const NEWEST: Revision = Revision::V2026_07_28;

    #[test]
    fn the_methods_are_in_the_order_of_the_answers() {
        for (place, (cacheable, names)) in Cacheable::all().enumerate() {
            assert_eq!(cacheable as usize, place);
            assert_eq!(Cacheable::method(names.method), Some(cacheable));
        }
        // CA-2.
        for method in ["tools/call", "prompts/get", "completion/complete", "subscriptions/listen", ""] {
            assert_eq!(Cacheable::method(method), None, "{method}");
        }
    }

    /// CA-1, CA-9.
    #[test]
    fn only_modern_results_have_hints() {
        assert_eq!(written(CacheHints::default(), NEWEST), r#"{"ttlMs":0,"cacheScope":"public"}"#);
        let hints = CacheHints::new(Duration::from_micros(61_000_900), CacheScope::Private);
        assert_eq!(written(hints, NEWEST), r#"{"ttlMs":61000,"cacheScope":"private"}"#);
        let endless = CacheHints::new(Duration::MAX, CacheScope::Public);
        assert_eq!(written(endless, NEWEST), r#"{"ttlMs":9007199254740991,"cacheScope":"public"}"#);
        for revision in Revision::ALL.into_iter().filter(|revision| !revision.is_modern()) {
            assert_eq!(written(hints, revision), "{}");
        }
    }

    #[test]
    fn the_nearest_hints_hold() {
        let of = |millis| CacheHints::new(Duration::from_millis(millis), CacheScope::Public);
        let mut settings = CacheSettings::default();
        assert_eq!(settings.hints(Cacheable::Tools, None, false), CacheHints::default());
        settings.set_default(of(1));
        settings.set(Cacheable::Read, of(2));
        assert_eq!(settings.hints(Cacheable::Tools, None, false), of(1));
        assert_eq!(settings.hints(Cacheable::Read, None, false), of(2));
        assert_eq!(settings.hints(Cacheable::Read, Some(of(3)), false), of(3));
        // CA-3.
        assert_eq!(settings.hints(Cacheable::Read, Some(of(3)), true), CacheHints::once());
        assert_eq!(written(CacheHints::once(), NEWEST), r#"{"ttlMs":0,"cacheScope":"private"}"#);
    }
}
