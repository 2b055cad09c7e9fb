//! Validators of schemas, and the reasons why they refuse values.

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
/// The number of errors after which a check ends.
const MAX_FOUND: u32 = 64;

/// The maximum size of a compiled pattern.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// The maximum number of backtracking steps in one match of a pattern with look-around or back-references. Other
/// patterns never backtrack.
pub(crate) const MAX_BACKTRACKS: usize = 2_500;
/// The same for a value of more than [`LARGE`] bytes, because a pattern may read the whole rest of a text at each step.
const LARGE_BACKTRACKS: usize = 250;
const LARGE: usize = 1 << 18;
/// The maximum number of texts that one check may match if a pattern may backtrack. It applies to texts of any length,
/// because a few characters can be enough to reach the limit of one match. Together that is 20 million steps.
const MAX_MATCHES: u64 = 8_000;

/// The reason if a value is refused without a search for the errors: the value is large, and a pattern may have reached
/// its limit.
const UNEXPLAINED: &str = "it does not conform, or one of its patterns takes too many steps to be matched";

const TOO_MANY: &str = "takes too many steps to be matched";

/// The steps of every check, and the additional steps for each byte of the value.
const STEPS: u64 = 1_000_000;
const STEPS_PER_BYTE: u64 = 8;

/// The steps and matches of a check on a thread for which other clients wait. They take about a millisecond.
const QUICK_STEPS: u64 = 20_000;
const QUICK_MATCHES: u64 = 16;
/// In such a check, a text of at least this number of bytes counts as several matches.
const QUICK_TEXT: usize = 64;

/// How many steps a check may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// So few that the thread can do other work soon. A check that needs more is [unsettled](Refused::unsettled).
    Quick,
    /// As many as any check may take.
    Full,
}

/// A compiled schema.
pub struct Validator {
    validator: jsonschema::Validator<Metered>,
    /// For large values, if one of the schema's patterns may backtrack.
    large: Option<jsonschema::Validator<Metered>>,
    /// The cost of one step. It includes the schemas that are applied between two accesses to the value.
    weight: u64,
    quick: Allowance,
}

impl Validator {
    /// Compiles a schema of a dialect. The error gives the reason and the place. References are resolved only inside
    /// the schema.
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
                // The cost of such a schema is not known.
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

    /// Checks a value whose text has this number of bytes.
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
                // With more steps, other reasons may be found.
                let unsettled = effort == Effort::Quick && refused.unsettled;
                Err(Refused { unsettled, ..refused })
            }
            (_, Some(spent)) => {
                let unsettled = effort == Effort::Quick && spent == ExceededLimit::Steps;
                Err(Refused { reasons: exhausted(spent), names: Vec::new(), unsettled })
            }
        }
    }

    /// Why the present members of an object do not satisfy their properties. Missing members and combinations are not
    /// checked.
    pub fn property_violation(&self, value: &dyn Tree, bytes: usize) -> Option<String> {
        // The value comes from the program, so it may be large.
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

    /// The first few reasons why a value is not valid.
    fn reasons(&self, value: &dyn Tree, bytes: usize, allowance: Allowance) -> Refused {
        let outlined = if self.backtracks() { OutlinedTree::new(value, MAX_VALUES) } else { None };
        if self.backtracks() && outlined.is_none() {
            return Refused { reasons: UNEXPLAINED.to_owned(), names: Vec::new(), unsettled: false };
        }
        let root = MeteredValue::Value(TreeValue::root(outlined.as_ref().map_or(value, |outlined| outlined)));
        let (mut errors, spent) = metered(allowance, || self.for_bytes(bytes).iter_errors(root));
        // Errors after the end of the allowance are not certain. The first error was found before it.
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
    /// The text for the sender of the value.
    pub reasons: String,
    /// The names of the members that are not valid, if the value is an object, as far as errors were searched for.
    pub names: Vec<String>,
    /// The check was [quick](Effort::Quick), and a check with more effort may give another result.
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

/// The name of the root's member that contains a place.
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

/// The registration error for a schema that cannot be used.
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
            // Inside `not` and similar keywords, the validator does not report which text it is.
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

/// The empty pointer means the whole value; messages say "(root)" instead.
fn pointer(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}
