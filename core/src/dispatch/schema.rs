//! JSON Schema: judged at registration, checked before any host code runs.

use super::format::{Formats, Options, assert_formats};
use super::metered::{Allowance, Metered, Seen, Spent, metered};
use super::plan::Plan;
use super::sound::is_sound;
use crate::error::Error;
use crate::json::{JsonSlice, Tape};
use crate::proto::error::clip;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use once_cell::sync::OnceCell;
use serde_json::Value;
use std::fmt::{self, Write};

const MAX_REPORTED: usize = 3;
/// Errors after which no more are looked for.
const MAX_FOUND: u32 = 64;

/// Longest text of a schema.
const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 128;
/// Largest pattern, compiled.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// How often one match of a pattern with look-around or back-references may go back. Other patterns never do.
const MAX_BACKTRACKS: usize = 2_500;
/// How many texts one check may match where a pattern may go back, however short they are: a few characters can be enough
/// to go back as often as may be. Together, 20 million times.
const MAX_MATCHES: u64 = 8_000;

/// Steps that every check may take, and those it may take for each byte of the value.
const STEPS: u64 = 1_000_000;
const STEPS_PER_BYTE: u64 = 8;

/// A schema that was found to be good, with the text it came from.
pub struct Schema {
    text: JsonSlice,
    plan: Option<Plan>,
    draft: Draft,
    formats: Formats,
    sound: bool,
    /// There from the start unless the schema is known to be good without it.
    compiled: OnceCell<Compiled>,
}

struct Compiled {
    validator: Validator<Metered>,
    /// Whether one of its patterns may go back on a text.
    backtracks: bool,
}

impl Schema {
    /// Compiles `text` in the dialect that its `$schema` names, 2020-12 without one. The error says what is wrong and
    /// where.
    ///
    /// References are resolved inside the schema only; nothing is fetched (JS-3, JS-4). A schema may have 1 MiB and 128
    /// levels. Formats are asserted. The validator of a schema that is plainly good is made for the first value that needs
    /// it.
    pub fn compile(text: JsonSlice) -> Result<Schema, Error> {
        Schema::compile_with(text, Formats::Assert)
    }

    /// [`Schema::compile`], with a choice about formats: date, date-time, email, ip, ipv4, ipv6, uri and uuid are those
    /// that can be asserted, any other refuses nothing.
    pub fn compile_with(text: JsonSlice, formats: Formats) -> Result<Schema, Error> {
        #[cfg(all(test, not(loom)))]
        assert!(!super::calls::held::is_held(), "schema work under the call table's lock");
        if text.as_bytes().len() > MAX_BYTES {
            return Err(Error::invalid(format!("schema has more than {MAX_BYTES} bytes")));
        }
        let value =
            text.to_value().map_err(|error| Error::invalid(format!("schema is not JSON: {error}")))?;
        if !value.is_object() && !value.is_boolean() {
            return Err(Error::invalid("schema must be a JSON object"));
        }
        if is_deeper(&value, MAX_DEPTH) {
            return Err(Error::invalid(format!("schema is nested deeper than {MAX_DEPTH} levels")));
        }
        let draft = dialect(&value)?;
        let sound = is_sound(&value, draft);
        let compiled = match sound {
            true => OnceCell::new(),
            false => OnceCell::with_value(build(&value, draft, formats).map_err(refusal)?),
        };
        Ok(Schema { text, plan: Plan::compile(&value, formats), draft, formats, sound, compiled })
    }

    fn compiled(&self) -> Result<&Compiled, Refused> {
        let build = || {
            let value = self.text.to_value().map_err(|error| Error::invalid(error.to_string()))?;
            build(&value, self.draft, self.formats).map_err(refusal)
        };
        self.compiled.get_or_try_init(build).map_err(|error: Error| Refused {
            reasons: format!("its schema cannot be compiled: {}", error.message()),
            names: Vec::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn is_compiled(&self) -> bool {
        self.compiled.get().is_some()
    }

    #[cfg(test)]
    pub(super) fn compile_now(&self) -> Result<(), String> {
        self.compiled().map(drop).map_err(|refused| refused.reasons)
    }

    /// Whether the validator was left for later, as the schema is known to be good.
    pub(super) fn is_sound(&self) -> bool {
        self.sound
    }

    /// The schema as it was given.
    pub fn text(&self) -> &JsonSlice {
        &self.text
    }

    /// Whether the schema's root demands `"type": "object"`.
    pub fn is_object(&self) -> bool {
        self.text.member("type").is_some_and(|kind| kind.as_bytes() == b"\"object\"")
    }

    /// Checks a value; the error lists JSON pointers and reasons, without echoing the value. A check that would take too
    /// long ends as an error.
    pub fn check(&self, value: &JsonSlice) -> Result<(), String> {
        self.inspect(value).map_err(|refused| refused.reasons)
    }

    /// [`Schema::check`], saying also which members are at fault.
    pub(super) fn inspect(&self, value: &JsonSlice) -> Result<(), Refused> {
        #[cfg(all(test, not(loom)))]
        assert!(!super::calls::held::is_held(), "schema work under the call table's lock");
        if self.plan.as_ref().is_some_and(|plan| plan.accepts(value)) {
            return Ok(());
        }
        self.check_fully(value)
    }

    /// Checks a value without the short cut.
    pub(super) fn check_fully(&self, value: &JsonSlice) -> Result<(), Refused> {
        let compiled = self.compiled()?;
        let tape = Tape::new(value.as_str());
        let root = Seen::Value(tape.root());
        let allowance = compiled.allowance(value);
        match metered(allowance, || compiled.validator.is_valid(root)) {
            (true, None) => Ok(()),
            (false, None) => Err(compiled.reasons(root, Allowance { errors: MAX_FOUND, ..allowance })),
            (_, Some(spent)) => Err(Refused { reasons: exhausted(spent), names: Vec::new() }),
        }
    }

    /// Why the members of an object do not fit the properties they have; what they lack or are together is not asked.
    pub(super) fn misfit(&self, value: &JsonSlice) -> Option<String> {
        let compiled = match self.compiled() {
            Ok(compiled) => compiled,
            Err(refused) => return Some(refused.reasons),
        };
        let tape = Tape::new(value.as_str());
        let (mut errors, spent) =
            metered(compiled.allowance(value), || compiled.validator.iter_errors(Seen::Value(tape.root())));
        if let Some(spent) = spent {
            return Some(exhausted(spent));
        }
        errors
            .find(|error| error.evaluation_path().as_str().starts_with("/properties/"))
            .map(|error| reason(&error))
    }
}

impl Compiled {
    fn allowance(&self, value: &JsonSlice) -> Allowance {
        Allowance {
            steps: STEPS + STEPS_PER_BYTE * value.as_bytes().len() as u64,
            matches: if self.backtracks { MAX_MATCHES } else { u64::MAX },
            errors: u32::MAX,
        }
    }

    /// Why a value does not conform: the first few reasons.
    fn reasons(&self, value: Seen<'_>, allowance: Allowance) -> Refused {
        let (mut errors, spent) = metered(allowance, || self.validator.iter_errors(value));
        // What was found after the end of the allowance is not certain, and the first was found before it.
        let shown = if spent.is_none() { MAX_REPORTED } else { 1 };
        let mut names = Vec::new();
        let mut note = |error: &ValidationError<'_>| names.extend(top_member(error.instance_path().as_str()));
        let shown = errors.by_ref().take(shown).inspect(&mut note).map(|error| reason(&error));
        let reasons: Vec<String> = shown.collect();
        let more = match (errors.inspect(note).count(), spent) {
            (0, None) => String::new(),
            (more, None) => format!("; and {more} more"),
            (_, Some(_)) => "; and more".to_owned(),
        };
        let reasons = match reasons.is_empty() {
            true => "it does not conform".to_owned(),
            false => reasons.join("; ") + &more,
        };
        Refused { reasons, names }
    }
}

/// Why a value was refused.
#[derive(Debug)]
pub(super) struct Refused {
    /// For whoever sent it.
    pub(super) reasons: String,
    /// The members of the value, an object, that are at fault, as far as they were looked for.
    pub(super) names: Vec<String>,
}

fn exhausted(spent: Spent) -> String {
    match spent {
        Spent::Stack => "it is nested too deeply to be checked against its schema".into(),
        Spent::Steps | Spent::Errors => "it takes too many steps to be checked against its schema".into(),
    }
}

/// The member of an object that a place is in.
fn top_member(pointer: &str) -> Option<String> {
    let name = pointer.strip_prefix('/')?.split('/').next()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// The dialect a schema is written in (JS-1, JS-2).
fn dialect(schema: &Value) -> Result<Draft, Error> {
    let Some(named) = schema.get("$schema") else { return Ok(Draft::Draft202012) };
    let uri = named.as_str().unwrap_or_default().trim_end_matches('#');
    let name = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or_default();
    Ok(match name {
        "json-schema.org/draft/2020-12/schema" => Draft::Draft202012,
        "json-schema.org/draft/2019-09/schema" => Draft::Draft201909,
        "json-schema.org/draft-07/schema" => Draft::Draft7,
        "json-schema.org/draft-06/schema" => Draft::Draft6,
        "json-schema.org/draft-04/schema" => Draft::Draft4,
        _ => {
            let named = named.to_string();
            return Err(Error::invalid(format!(
                "at /$schema: {} is no dialect this server knows; it knows draft-04, draft-06, draft-07, 2019-09 and 2020-12",
                clip(&named)
            )));
        }
    })
}

fn build(schema: &Value, draft: Draft, formats: Formats) -> Result<Compiled, ValidationError<'static>> {
    let options = || options(draft, formats);
    let linear = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
    if let Ok(validator) = options().with_pattern_options(linear).build(schema) {
        return Ok(Compiled { validator, backtracks: false });
    }
    let bounded = PatternOptions::fancy_regex().size_limit(MAX_PATTERN_BYTES).backtrack_limit(MAX_BACKTRACKS);
    let validator = options().with_pattern_options(bounded).build(schema)?;
    Ok(Compiled { validator, backtracks: true })
}

fn options(draft: Draft, formats: Formats) -> Options {
    let options = jsonschema::options_for::<Metered>().with_draft(draft);
    match formats {
        Formats::Assert => assert_formats(options, draft),
        Formats::Annotate => options.should_validate_formats(false),
    }
}

/// What a registration says about a schema that cannot be used.
fn refusal(error: ValidationError<'static>) -> Error {
    let mut reason = Clip::default();
    let _ = write!(reason, "{error}");
    Error::invalid(format!("at {}: {}", pointer(error.instance_path().as_str()), reason.0))
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let deeper = |value: &Value| is_deeper(value, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(deeper),
        Value::Object(members) => levels == 0 || members.values().any(deeper),
        _ => false,
    }
}

fn reason(error: &ValidationError<'_>) -> String {
    let mut reason = Clip::default();
    let _ = match error.kind() {
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. } => {
            reason.write_str("its pattern takes too many steps to be matched")
        }
        ValidationErrorKind::Format { format } => {
            write!(reason, "value is not a valid {format}")
        }
        _ => write!(reason, "{}", error.masked_with("value")),
    };
    let path = error.instance_path().as_str();
    format!("{}: {}", clip(pointer(path)), reason.0)
}

/// Takes the beginning of a text that may be long, and ends its writer early.
#[derive(Default)]
struct Clip(String);

impl Write for Clip {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = clip(text);
        self.0.push_str(room);
        let clipped = clip(&self.0).len();
        if room.len() < text.len() || clipped < self.0.len() {
            self.0.truncate(clipped);
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// The empty pointer names the whole value; say so in words.
fn pointer(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(text: &str) -> JsonSlice {
        JsonSlice::parse(bytes::Bytes::copy_from_slice(text.as_bytes()), &Default::default()).unwrap()
    }

    fn schema() -> Schema {
        Schema::compile(slice(
            r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#,
        ))
        .unwrap()
    }

    #[test]
    fn failures_name_pointer_and_reason() {
        assert!(schema().check(&slice(r#"{"a":1}"#)).is_ok());
        let wrong = schema().check(&slice(r#"{"a":"x"}"#)).unwrap_err();
        assert!(wrong.starts_with("/a: ") && wrong.contains("integer"), "{wrong}");
        let missing = schema().check(&slice("{}")).unwrap_err();
        assert!(missing.contains("\"a\"") && missing.contains("required"), "{missing}");
        let extra = schema().check(&slice(r#"{"a":1,"b":2}"#)).unwrap_err();
        assert!(extra.contains("b"), "{extra}");
    }

    #[test]
    fn an_invalid_schema_says_why() {
        let error = Schema::compile(slice(r#"{"type":"objekt"}"#)).unwrap_err();
        assert!(error.message().contains("/type"), "{error}");
        assert!(Schema::compile(slice("[]")).is_err());
    }

    #[test]
    fn remote_references_are_refused_not_fetched() {
        assert!(Schema::compile(slice(r#"{"$ref":"https://example.com/schema.json"}"#)).is_err());
    }
}
