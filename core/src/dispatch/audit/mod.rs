//! Audit events: what is recorded of one call of an entry with the policy `audit`, as one line of JSON.
//!
//! The line is bounded. It never has what a client gets or what proves who the client is: no results, texts of errors,
//! tokens, claims, headers, session ids or states of questions.

mod key;

pub(crate) use key::AuditKey;

use crate::dispatch::environment::Environment;
use crate::dispatch::observer::EntryName;
use crate::dispatch::principal::Principal;
use crate::json::{JsonSlice, JsonWriter, Kind, minify};
use crate::proto::messages::error::Refuser;
use crate::proto::session::task::timestamp;
use std::time::Duration;

/// The most bytes of a name or an identity in a line.
const MAX_TEXT: usize = 512;

/// The most bytes of the value of one argument in a line, and of all of them.
const MAX_VALUE: usize = 1024;
const MAX_VALUES: usize = 16 * 1024;

/// The outcome of a call that was refused before its handler ran.
pub(crate) const REFUSED: &str = "refused";

/// A call whose end is recorded.
pub(crate) struct AuditedCall<'a> {
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) entry: EntryName<'a>,
    /// The arguments, as the handler gets them. If the call was refused before they were checked, as the client sent them.
    pub(crate) arguments: &'a JsonSlice,
    /// The names of the arguments that are recorded.
    pub(crate) names: &'a [String],
    pub(crate) outcome: &'a str,
    /// What refused the call.
    pub(crate) refuser: Option<Refuser>,
    pub(crate) duration: Duration,
}

impl AuditedCall<'_> {
    /// The record as one line of JSON, without its end.
    pub(crate) fn record(&self, key: &AuditKey, environment: &dyn Environment) -> String {
        let mut out = JsonWriter::new();
        out.begin_object().key("time").str(&timestamp(environment.unix_seconds()));
        out.key("kind").str(self.entry.kind.as_str());
        text("name", Some(self.entry.name), &mut out);
        text("subject", self.principal.map(Principal::subject), &mut out);
        text("issuer", self.principal.map(Principal::issuer), &mut out);
        text("client_id", self.principal.and_then(Principal::client_id), &mut out);
        self.write_arguments(&mut out);
        if let Some(digest) = key.digest(self.arguments, environment) {
            out.key("digest").str(&digest);
        }
        out.key("outcome").str(self.outcome);
        if let Some(Refuser { stage, by }) = self.refuser {
            out.key("stage").str(stage).key("by").str(by);
        }
        let micros = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        out.key("duration_us").uint(micros).end_object();
        String::from_utf8_lossy(out.as_bytes()).into_owned()
    }

    /// The values of the arguments that are recorded. Those that are too long are only named.
    fn write_arguments(&self, out: &mut JsonWriter) {
        if self.names.is_empty() {
            return;
        }
        let (mut omitted, mut total) = (Vec::new(), 0);
        out.key("arguments").begin_object();
        let known = self.names.iter().filter(|_| self.arguments.kind() == Kind::Object);
        for (name, value) in known.filter_map(|name| Some((name, self.arguments.member(name)?))) {
            // White space in a value could contain the end of the line.
            let short = value.as_bytes().len() <= 8 * MAX_VALUE;
            let value = if short { minify(value.as_bytes()) } else { Vec::new() };
            if !short || value.len() > MAX_VALUE || total + value.len() > MAX_VALUES {
                omitted.push(name);
                continue;
            }
            total += value.len();
            out.key(name).raw(&value);
        }
        out.end_object();
        if !omitted.is_empty() {
            out.key("omitted").begin_array();
            omitted.into_iter().for_each(|name| _ = out.str(name));
            out.end_array();
        }
    }
}

fn text(name: &str, value: Option<&str>, out: &mut JsonWriter) {
    let Some(value) = value else { return };
    out.key(name).str(&value[..value.floor_char_boundary(MAX_TEXT)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::environment_tests::FixedRandom;
    use crate::json::Limits;
    use crate::proto::catalog::kind::Kind as EntryKind;
    use serde_json::{Value, json};

    fn slice(text: &str) -> JsonSlice {
        JsonSlice::parse(text.to_owned().into(), &Limits::default()).unwrap()
    }

    fn record(arguments: &JsonSlice, names: &[String], principal: Option<&Principal>) -> String {
        let call = AuditedCall {
            principal,
            entry: EntryName { kind: EntryKind::Tool, name: "pay" },
            arguments,
            names,
            outcome: "ok",
            refuser: None,
            duration: Duration::from_millis(3),
        };
        call.record(&AuditKey::new(Some(&[1; 32])), &FixedRandom)
    }

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_named_arguments_are_readable() {
        let arguments = slice("{\"id\": {\n \"a\" : 1 },\"pin\":\"hunter2\"}");
        let principal = Principal::new("https://issuer.example", "ann").with_client_id("app");
        let line = record(&arguments, &names(&["id", "missing"]), Some(&principal));
        assert!(!line.contains("hunter2") && !line.contains('\n'), "{line}");
        let record: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(record["arguments"], json!({ "id": { "a": 1 } }));
        assert_eq!(
            (&record["subject"], &record["issuer"], &record["client_id"], &record["outcome"]),
            (&json!("ann"), &json!("https://issuer.example"), &json!("app"), &json!("ok"))
        );
        assert_eq!((&record["kind"], &record["name"]), (&json!("tool"), &json!("pay")));
        assert_eq!((&record["duration_us"], &record["omitted"]), (&json!(3000), &Value::Null));
    }

    #[test]
    fn a_line_is_bounded_whatever_a_client_sends() {
        let all: Vec<String> = (0..32).map(|place| format!("{place:02}{}", "\"".repeat(126))).collect();
        let members: serde_json::Map<String, Value> =
            all.iter().map(|name| (name.clone(), "\u{1}".repeat(165).into())).collect();
        let long = "\u{1}".repeat(100_000);
        let principal = Principal::new(&*long, &*long).with_client_id(&*long);
        let line = record(&slice(&json!(members).to_string()), &all, Some(&principal));
        assert!(line.len() < 64 * 1024, "{}", line.len());
        let value: Value = serde_json::from_str(&line).unwrap();
        let (kept, omitted) = (value["arguments"].as_object().unwrap(), value["omitted"].as_array().unwrap());
        assert!(!kept.is_empty() && !omitted.is_empty());
        assert_eq!(kept.len() + omitted.len(), all.len());
        let long = slice(&json!({ "a": "x".repeat(1023), "b": 1, "c": " ".repeat(1 << 20) }).to_string());
        let value: Value = serde_json::from_str(&record(&long, &names(&["a", "b", "c"]), None)).unwrap();
        assert_eq!((&value["arguments"], &value["omitted"]), (&json!({ "b": 1 }), &json!(["a", "c"])));
    }

    #[test]
    fn arguments_that_are_no_object_are_only_in_the_digest() {
        let value: Value = serde_json::from_str(&record(&slice("[1]"), &names(&["a"]), None)).unwrap();
        assert_eq!(value["arguments"], json!({}));
        assert!(value["digest"].as_str().unwrap().starts_with("hmac-sha256:"));
    }
}
