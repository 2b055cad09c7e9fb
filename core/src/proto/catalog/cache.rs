//! Caching hints: how long a modern client may cache a result, and for whom (digest 7.6).

use crate::json::{JsonSlice, JsonWriter, Kind};
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

/// In the order of the variants.
const METHODS: [(Cacheable, &str); 8] = [
    (Cacheable::Discover, "server/discover"),
    (Cacheable::Tools, "tools/list"),
    (Cacheable::Prompts, "prompts/list"),
    (Cacheable::Resources, "resources/list"),
    (Cacheable::ResourceTemplates, "resources/templates/list"),
    (Cacheable::Read, "resources/read"),
    (Cacheable::Skills, "skills/list"),
    (Cacheable::Skill, "skills/get"),
];

impl Cacheable {
    /// All results that can be cached, each with its method.
    pub fn all() -> impl Iterator<Item = (Cacheable, &'static str)> {
        METHODS.into_iter()
    }

    /// The result of this method; `None` if it must not be cached (CA-2).
    pub fn method(name: &str) -> Option<Cacheable> {
        METHODS.iter().find(|(_, method)| *method == name).map(|(cacheable, _)| *cacheable)
    }
}

/// The largest integer that every JSON reader preserves.
const LONGEST: u64 = (1 << 53) - 1;

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

    /// Reads `{"ttlMs":…,"cacheScope":…}`. Both members may be missing. The error gives the reason.
    pub fn read(hints: &JsonSlice) -> Result<CacheHints, String> {
        if hints.kind() != Kind::Object {
            return Err("caching hints must be an object".to_owned());
        }
        let mut read = CacheHints::default();
        for member in hints.members() {
            let value = hints.subslice(member.value.clone());
            match &*member.name(hints.as_bytes()) {
                "ttlMs" => {
                    let number = value.deserialize().ok().filter(|number| *number <= LONGEST);
                    let what = "ttlMs must be a whole number of milliseconds, of at least 0";
                    read.ttl = Duration::from_millis(number.ok_or(what)?);
                }
                "cacheScope" => {
                    let scope = value.decode_str().and_then(|word| CacheScope::named(&word));
                    read.scope = scope.ok_or("cacheScope must be \"public\" or \"private\"")?;
                }
                name => return Err(format!("caching hints have no member {name:?}")),
            }
        }
        Ok(read)
    }

    /// Appends the members to a complete [`Cacheable`] result. Writes nothing in legacy revisions (CA-9).
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
    own: [Option<CacheHints>; METHODS.len()],
}

impl CacheSettings {
    /// Sets the hints of all results that have no hints of their own.
    pub fn set_default(&mut self, hints: CacheHints) {
        self.default = hints;
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

    fn read(text: &'static str) -> Result<CacheHints, String> {
        CacheHints::read(&JsonSlice::from_trusted(text.as_bytes().into()))
    }

    const NEWEST: Revision = Revision::V2026_07_28;

    #[test]
    fn the_methods_are_in_the_order_of_the_answers() {
        for (place, (cacheable, method)) in Cacheable::all().enumerate() {
            assert_eq!(cacheable as usize, place);
            assert_eq!(Cacheable::method(method), Some(cacheable));
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

    #[test]
    fn settings_are_read_by_their_names() {
        assert_eq!(read("{}"), Ok(CacheHints::default()));
        let hints = CacheHints::new(Duration::from_secs(1), CacheScope::Private);
        assert_eq!(read(r#"{"ttlMs":1000,"cacheScope":"private"}"#), Ok(hints));
        for (text, wanted) in [
            ("[]", "must be an object"),
            (r#"{"ttlMs":-1}"#, "ttlMs must be"),
            (r#"{"ttlMs":1.5}"#, "ttlMs must be"),
            (r#"{"ttlMs":"1"}"#, "ttlMs must be"),
            (r#"{"ttlMs":9007199254740992}"#, "ttlMs must be"),
            (r#"{"cacheScope":"all"}"#, "cacheScope must be"),
            (r#"{"cacheScope":null}"#, "cacheScope must be"),
            (r#"{"ttl":1}"#, "no member \"ttl\""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
