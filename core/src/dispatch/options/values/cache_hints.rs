//! Caching hints as options.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::{At, OptionValue, members, word};
use crate::json::{JsonSlice, Kind};
use crate::proto::catalog::cache::{CacheHints, CacheScope, CacheSettings, Cacheable, LONGEST};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The names of the two members of caching hints.
fn member_names(spelling: Spelling) -> [&'static str; 2] {
    if spelling == Spelling::Python { ["ttl", "scope"] } else { ["ttlMs", "cacheScope"] }
}

/// Reads one of the two members. Returns whether the name is one of them.
fn read_member(hints: &mut CacheHints, name: &str, value: &JsonSlice, at: &At) -> Result<bool, String> {
    let [ttl, scope] = member_names(at.spelling);
    if name == ttl {
        hints.ttl = read_ttl(value, &at.member(ttl, Form::CacheHints))?;
    } else if name == scope {
        let words = || [CacheScope::Public, CacheScope::Private].map(CacheScope::as_str).to_vec();
        let at = at.member(scope, Form::Word(words));
        hints.scope = word(value, &at, CacheScope::named)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn read_ttl(value: &JsonSlice, at: &At) -> Result<Duration, String> {
    if at.spelling == Spelling::Python {
        return Duration::read(value, at);
    }
    let number = value.deserialize().ok().filter(|number| *number <= LONGEST);
    number.map(Duration::from_millis).ok_or_else(|| {
        let shown = at.spelling.shown(value);
        format!("{} must be a whole number of milliseconds from 0, not {shown}", at.path)
    })
}

fn unknown(name: &str, at: &At, known: &[String]) -> String {
    format!("{}: there is no option {name:?}; the options are {}", at.path, known.join(", "))
}

fn own_names(spelling: Spelling) -> Vec<String> {
    member_names(spelling).map(str::to_owned).to_vec()
}

impl OptionValue for CacheHints {
    const FORM: Form = Form::CacheHints;
    fn read(value: &JsonSlice, at: &At) -> Result<CacheHints, String> {
        if at.spelling == Spelling::Python && value.kind() != Kind::Object {
            return Ok(CacheHints::new(read_ttl(value, at)?, CacheScope::default()));
        }
        let mut hints = CacheHints::default();
        for (name, value) in members(value, at)? {
            if !read_member(&mut hints, &name, &value, at)? {
                return Err(unknown(&name, at, &own_names(at.spelling)));
            }
        }
        Ok(hints)
    }
    fn write(&self, spelling: Spelling) -> Value {
        let [ttl, scope] = member_names(spelling);
        // The name says the unit, also in files, which have other times in seconds.
        let units = if spelling == Spelling::Python { 1.0 } else { 1000.0 };
        let time = self.ttl.as_secs_f64() * units;
        json!({ ttl: time, scope: self.scope.as_str() })
    }
}

/// In Node the option has members for the responses of single methods as well.
impl OptionValue for CacheSettings {
    const FORM: Form = Form::CacheHintsOfAll;
    fn read(value: &JsonSlice, at: &At) -> Result<CacheSettings, String> {
        let mut settings = CacheSettings::default();
        if at.spelling != Spelling::Node {
            settings.set_default(CacheHints::read(value, at)?);
            return Ok(settings);
        }
        let mut hints = CacheHints::default();
        for (name, value) in members(value, at)? {
            if read_member(&mut hints, &name, &value, at)? {
                continue;
            }
            let words = || Cacheable::all().map(|(_, row)| at.spelling.name(row.word).into_owned());
            let found = Cacheable::all().find(|(_, row)| at.spelling.name(row.word) == name);
            let all = || own_names(at.spelling).into_iter().chain(words()).collect::<Vec<_>>();
            let (cacheable, _) = found.ok_or_else(|| unknown(&name, at, &all()))?;
            settings.set(cacheable, CacheHints::read(&value, &at.member(&name, Form::CacheHints))?);
        }
        settings.set_default(hints);
        Ok(settings)
    }
    fn write(&self, spelling: Spelling) -> Value {
        let mut all = OptionValue::write(&self.default_hints(), spelling);
        if let (Spelling::Node, Value::Object(members)) = (spelling, &mut all) {
            for (row, hints) in self.own() {
                members.insert(spelling.name(row.word).into_owned(), OptionValue::write(&hints, spelling));
            }
        }
        all
    }
}

/// Caching hints for the responses of single methods, by the method's name.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheHintsOf(pub(crate) CacheSettings);

impl OptionValue for CacheHintsOf {
    const FORM: Form = Form::CacheHintsOf;
    fn read(value: &JsonSlice, at: &At) -> Result<CacheHintsOf, String> {
        let mut settings = CacheSettings::default();
        for (name, hints) in members(value, at)? {
            let known = || Cacheable::all().map(|(_, row)| row.method).collect::<Vec<_>>().join(", ");
            let unknown = || {
                format!(
                    "{}: results of {name:?} cannot have caching hints; those of {} can",
                    at.path,
                    known()
                )
            };
            let cacheable = Cacheable::method(&name).ok_or_else(unknown)?;
            settings.set(cacheable, CacheHints::read(&hints, &at.member(&name, Form::CacheHints))?);
        }
        Ok(CacheHintsOf(settings))
    }
    fn write(&self, spelling: Spelling) -> Value {
        self.0
            .own()
            .map(|(row, hints)| (row.method.to_owned(), OptionValue::write(&hints, spelling)))
            .collect::<Map<_, _>>()
            .into()
    }
}
