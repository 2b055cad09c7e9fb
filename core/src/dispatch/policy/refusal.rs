//! What a client receives whose call a policy refuses for a time.

use crate::proto::catalog::kind::Kind;
use std::time::Duration;

/// What the client receives if a call is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalForm {
    /// An error of the protocol, -32603. Its data has the time to wait.
    #[default]
    Error,
    /// For a tool, a failed result, whose text the model reads. Anything else is answered with an error.
    Result,
}

impl RefusalForm {
    /// The form for a call of an entry of this kind. Only tools have failed results, and a task has not its result yet.
    pub(crate) fn of(self, kind: Kind, is_task: bool) -> RefusalForm {
        if kind == Kind::Tool && !is_task { self } else { RefusalForm::Error }
    }
}

words!(RefusalForm: Error = "error", Result = "result");

/// A time to wait in whole seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The text for a client that has to wait: the one of the policy, in which `values` replace their names in braces, or the
/// default one with the time.
pub(crate) fn refusal_text(
    text: Option<&str>,
    wait: Duration,
    values: &[(&str, String)],
    default: impl FnOnce() -> String,
) -> String {
    match text {
        Some(text) => fill_text(text, wait, values),
        None => format!("{}; retry in {} s", default(), whole_seconds(wait).max(1)),
    }
}

/// Replaces `{wait}` and the names in braces by their values.
fn fill_text(text: &str, wait: Duration, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let name = from.find('}').map(|close| &from[1..close]);
        let value = match name {
            Some("wait") => Some(whole_seconds(wait).max(1).to_string()),
            Some(name) => values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
            None => None,
        };
        let read = match (name, value) {
            (Some(name), Some(value)) => {
                out.push_str(&value);
                name.len() + 2
            }
            // Any other brace stays.
            _ => {
                out.push('{');
                1
            }
        };
        rest = &from[read..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_filled_once() {
        let values = [("city", "{wait} {".to_owned()), ("n", "5".to_owned())];
        let fill = |text: &str| fill_text(text, Duration::from_millis(1500), &values);
        assert_eq!(fill("{city} in {wait} s: {n}{n}"), "{wait} { in 2 s: 55");
        for text in ["", "{", "}", "{}", "{{n", "{town}", "a{wait"] {
            assert_eq!(fill(text), text);
        }
        assert_eq!(fill("{{n}}"), "{5}");
    }
}
