//! Validators of schemas, and why they refuse.

use crate::expansion::{Expansion, measure};
use crate::format::{Formats, Options, assert_formats};
use crate::metered::{Allowance, ExceededLimit, Metered, MeteredValue, metered};
use crate::outline::{MAX_VALUES, OutlinedTree};
use crate::text::{Clip, clip};
use crate::tree::{Tree, TreeValue};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::{Map, Value};
use std::fmt::Write;

const MAX_REPORTED: usize = 3;
/// Errors after which no more are looked for.
const MAX_FOUND: u32 = 64;

/// Largest pattern, compiled.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// How often one match of a pattern with look-around or back-references may go back. Other patterns never do.
pub(crate) const MAX_BACKTRACKS: usize = 2_500;
/// The same in a value of more than [`LARGE`] bytes: each time, a pattern may look at all the rest of a text.
const LARGE_BACKTRACKS: usize = 250;
const LARGE: usize = 1 << 18;
/// How many texts one check may match where a pattern may go back, however short they are: a few characters can be enough
/// to go back as often as may be. Together, 20 million times.
const MAX_MATCHES: u64 = 8_000;

/// Why a value is refused whose faults nobody looks for: it is large, and a pattern may have reached its step limit.
const UNEXPLAINED: &str = "it does not conform, or one of its patterns takes too many steps to be matched";

const TOO_MANY: &str = "takes too many steps to be matched";

/// Steps that every check may take, and those it may take for each byte of the value.
const STEPS: u64 = 1_000_000;
const STEPS_PER_BYTE: u64 = 8;

/// Steps and matches of a check that a thread may do that others wait for: about a millisecond.
const QUICK_STEPS: u64 = 20_000;
const QUICK_MATCHES: u64 = 16;
/// Bytes of a text from which its match counts as several of those.
const QUICK_TEXT: usize = 64;

/// How much a check may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// So little that nobody waits for it. A check that takes more is not [settled](Refused::unsettled).
    Quick,
    /// As much as any check may take.
    Full,
}

/// A compiled schema.
pub struct Validator {
    validator: jsonschema::Validator<Metered>,
    /// For large values, if one of its patterns may go back on a text.
    large: Option<jsonschema::Validator<Metered>>,
    /// What one step costs: schemas that look at nothing are paid for with the next look.
    weight: u64,
    quick: Allowance,
}

impl Validator {
    /// Compiles a schema of a dialect; the error says what is wrong and where. References are resolved inside the schema
    /// only.
    pub fn compile(schema: &Value, draft: Draft, formats: Formats) -> Result<Validator, String> {
        let Expansion { weight, lost } = measure(schema, draft)?;
        let names = widest_patterns(schema);
        let options = || options(draft, formats);
        let compiled = |validator, large: Option<_>| {
            let (matches, long, names) =
                if large.is_some() { (QUICK_MATCHES, QUICK_TEXT, names) } else { (u64::MAX, usize::MAX, 0) };
            let quick = Allowance { steps: QUICK_STEPS / weight, matches, long, names, errors: u32::MAX };
            match lost {
                None => Ok(Validator { validator, large, weight, quick }),
                // How much it is cannot be said then.
                Some(place) => Err(format!("at {place}: a reference is not found")),
            }
        };
        let linear = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
        if let Ok(validator) = options().with_pattern_options(linear).build(schema) {
            return compiled(validator, None);
        }
        let bounded = |limit| {
            let patterns = PatternOptions::fancy_regex().size_limit(MAX_PATTERN_BYTES).backtrack_limit(limit);
            options().with_pattern_options(patterns).build(schema).map_err(refusal)
        };
        compiled(bounded(MAX_BACKTRACKS)?, Some(bounded(LARGE_BACKTRACKS)?))
    }

    fn backtracks(&self) -> bool {
        self.large.is_some()
    }

    fn for_bytes(&self, bytes: usize) -> &jsonschema::Validator<Metered> {
        self.large.as_ref().filter(|_| bytes > LARGE).unwrap_or(&self.validator)
    }

    /// Checks the value of a text of `bytes`.
    pub fn check(&self, value: &dyn Tree, bytes: usize, effort: Effort) -> Result<(), Refused> {
        let root = MeteredValue::Value(TreeValue::root(value));
        let allowance = match effort {
            Effort::Full => self.allowance(bytes),
            Effort::Quick => self.quick,
        };
        match metered(allowance, || self.for_bytes(bytes).is_valid(root)) {
            (true, None) => Ok(()),
            (false, None) => {
                let refused = self.reasons(value, bytes, Allowance { errors: MAX_FOUND, ..allowance });
                // Other reasons may be found with more steps.
                let unsettled = effort == Effort::Quick && refused.unsettled;
                Err(Refused { unsettled, ..refused })
            }
            (_, Some(spent)) => {
                let unsettled = effort == Effort::Quick && spent == ExceededLimit::Steps;
                Err(Refused { reasons: exhausted(spent), names: Vec::new(), unsettled })
            }
        }
    }

    /// Why the members of an object do not fit the properties they have; what they lack or are together is not asked.
    pub fn property_violation(&self, value: &dyn Tree, bytes: usize) -> Option<String> {
        // The value is the program's own, so it may be large.
        let outlined = if self.backtracks() { OutlinedTree::new(value, usize::MAX) } else { None };
        let root = MeteredValue::Value(TreeValue::root(outlined.as_ref().map_or(value, |outlined| outlined)));
        let (mut errors, spent) = metered(self.allowance(bytes), || self.for_bytes(bytes).iter_errors(root));
        if let Some(spent) = spent {
            return Some(exhausted(spent));
        }
        errors
            .find(|error| error.evaluation_path().as_str().starts_with("/properties/"))
            .map(|error| reason(&error))
    }

    fn allowance(&self, bytes: usize) -> Allowance {
        Allowance {
            steps: (STEPS + STEPS_PER_BYTE * bytes as u64) / self.weight,
            matches: if self.backtracks() { MAX_MATCHES } else { u64::MAX },
            long: usize::MAX,
            ..self.quick
        }
    }

    /// Why a value does not conform: the first few reasons.
    fn reasons(&self, value: &dyn Tree, bytes: usize, allowance: Allowance) -> Refused {
        let outlined = if self.backtracks() { OutlinedTree::new(value, MAX_VALUES) } else { None };
        if self.backtracks() && outlined.is_none() {
            return Refused { reasons: UNEXPLAINED.to_owned(), names: Vec::new(), unsettled: false };
        }
        let root = MeteredValue::Value(TreeValue::root(outlined.as_ref().map_or(value, |outlined| outlined)));
        let (mut errors, spent) = metered(allowance, || self.for_bytes(bytes).iter_errors(root));
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
        Refused { reasons, names, unsettled: spent == Some(ExceededLimit::Steps) }
    }
}

/// The largest number of patterns for the names of one object's members.
fn widest_patterns(schema: &Value) -> u64 {
    match schema {
        Value::Array(items) => items.iter().map(widest_patterns).max().unwrap_or(0),
        Value::Object(members) => {
            let own = members.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
            members.values().map(widest_patterns).fold(own as u64, u64::max)
        }
        _ => 0,
    }
}

/// Why a value was refused.
#[derive(Debug)]
pub struct Refused {
    /// For whoever sent it.
    pub reasons: String,
    /// The members of the value, an object, that are at fault, as far as they were looked for.
    pub names: Vec<String>,
    /// The check was [quick](Effort::Quick), and more effort may come to something else.
    pub unsettled: bool,
}

fn exhausted(spent: ExceededLimit) -> String {
    match spent {
        ExceededLimit::Stack => "it is nested too deeply to be checked against its schema".into(),
        ExceededLimit::Steps | ExceededLimit::Errors => {
            "it takes too many steps to be checked against its schema".into()
        }
    }
}

/// The member of an object that a place is in.
fn top_member(pointer: &str) -> Option<String> {
    let name = pointer.strip_prefix('/')?.split('/').next()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

fn options(draft: Draft, formats: Formats) -> Options {
    let options = jsonschema::options_for::<Metered>().with_draft(draft);
    match formats {
        Formats::Assert => assert_formats(options, draft),
        Formats::Annotate => options.should_validate_formats(false),
    }
}

/// What a registration says about a schema that cannot be used.
fn refusal(error: ValidationError<'static>) -> String {
    let mut reason = Clip::default();
    let _ = write!(reason, "{error}");
    format!("at {}: {}", pointer(error.instance_path().as_str()), reason.0)
}

fn reason(error: &ValidationError<'_>) -> String {
    let mut reason = Clip::default();
    let _ = match error.kind() {
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. } => match error.instance_path().as_str() {
            // Within `not` and the like the validator does not say which text it is.
            "" => write!(reason, "its pattern {TOO_MANY}: {} of its schema", error.schema_path().as_str()),
            _ => write!(reason, "its pattern {TOO_MANY}"),
        },
        ValidationErrorKind::Format { format } => {
            write!(reason, "value is not a valid {format}")
        }
        _ => write!(reason, "{}", error.masked_with("value")),
    };
    let path = error.instance_path().as_str();
    format!("{}: {}", clip(pointer(path)), reason.0)
}

/// The empty pointer names the whole value; say so in words.
fn pointer(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}
