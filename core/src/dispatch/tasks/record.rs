//! Writes a task as text for the store, and reads it back.

use super::task::{Input, Task};
use crate::dispatch::principal;
use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::session::task::Status;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::time::Duration;

/// The version of the record's format. A record of another version counts as missing.
const FORM: u64 = 1;
/// What a record has instead of a principal if the task has none. No principal is written like this.
const ANONYMOUS: &str = "";
/// A result is nested two levels deeper in its record, and an answer three.
const AROUND: usize = 8;

impl Task {
    /// Writes the record of this task.
    pub(crate) fn to_record(&self) -> Bytes {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut out = JsonWriter::with_capacity(512);
        out.begin_object().key("form").uint(FORM);
        out.key("id").str(&self.id).key("revision").str(self.revision.as_str());
        match &self.principal {
            Some(principal) => principal::write(principal, out.key("principal")),
            None => {
                out.key("principal").str(ANONYMOUS);
            }
        }
        if let Some(tool) = &self.tool {
            out.key("tool").str(tool);
        }
        out.key("status").str(self.status.as_str());
        if let Some(message) = &self.message {
            out.key("message").str(message);
        }
        out.key("created").uint(self.created).key("updated").uint(self.updated);
        out.key("ttl").uint(millis(self.ttl)).key("poll").uint(millis(self.poll));
        out.key("lease").uint(self.lease);
        self.write_inputs(&mut out);
        out.key("answers").begin_object();
        for (key, answer) in &self.answers {
            out.key(key).slice(answer);
        }
        out.end_object();
        match &self.outcome {
            Some(Ok(result)) => out.key("result").slice(result),
            Some(Err(error)) => out.key("error").slice(error),
            None => &mut out,
        };
        out.end_object();
        out.into_bytes()
    }

    /// Reads a record. `None` if it is not valid.
    pub(crate) fn from_record(record: &Bytes, limits: &json::Limits) -> Option<Task> {
        let limits = json::Limits { max_depth: limits.max_depth + AROUND, max_bytes: usize::MAX };
        let record = JsonSlice::parse(record.clone(), &limits).ok()?;
        let text = |name: &str| Some(record.member(name)?.decode_str()?.into_owned());
        let number = |name: &str| record.member(name)?.as_str().parse::<u64>().ok();
        if number("form")? != FORM {
            return None;
        }
        let named = |of: &JsonSlice| -> Vec<(String, JsonSlice)> {
            let member =
                |member: json::Member| (member.name(of.as_bytes()).into_owned(), of.subslice(member.value));
            of.members().map(member).collect()
        };
        let input = |(key, request): (String, JsonSlice)| {
            let method = request.member("method")?.decode_str()?.into_owned();
            Some(Input { key, method, params: request.member("params")? })
        };
        let outcome = record.member("result").map(Ok).or_else(|| record.member("error").map(Err));
        Some(Task {
            id: text("id")?.into(),
            tool: text("tool").map(Into::into),
            revision: Revision::parse(&text("revision")?)?,
            principal: match record.member("principal")? {
                text if text.decode_str().is_some_and(|text| text == ANONYMOUS) => None,
                principal => Some(principal::read(&principal)?),
            },
            status: Status::named(&text("status")?)?,
            message: text("message"),
            created: number("created")?,
            updated: number("updated")?,
            ttl: Duration::from_millis(number("ttl")?),
            poll: Duration::from_millis(number("poll")?),
            lease: number("lease")?,
            inputs: named(&record.member("inputRequests")?).into_iter().map(input).collect::<Option<_>>()?,
            answers: named(&record.member("answers")?),
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::principal::Principal;

    fn task(principal: Option<&Principal>) -> Task {
        let times = (Duration::from_secs(60), Duration::from_secs(1));
        Task::new(("id".into(), "job"), Revision::V2025_11_25, principal, times, (1, 2))
    }

    #[test]
    fn a_record_knows_the_principal_of_its_task() {
        let limits = json::Limits::default();
        for (principal, written) in [
            (None, r#""principal":"""#),
            (Some(Principal::from("ann")), r#""principal":"ann""#),
            (Some(Principal::new("idp", "ann")), r#""principal":{"issuer":"idp","subject":"ann"}"#),
            (Some(Principal::new("host", "")), r#""principal":{"issuer":"host","subject":""}"#),
        ] {
            let task = task(principal.as_ref());
            let record = task.to_record();
            let text = std::str::from_utf8(&record).unwrap();
            assert!(text.contains(written), "{text}");
            assert_eq!(Task::from_record(&record, &limits), Some(task));
            for wrong in [r#""principal":1"#, r#""principal":{"issuer":"idp"}"#, r#""other":1"#] {
                let record = text.replace(written, wrong).into();
                assert_eq!(Task::from_record(&record, &limits), None, "{wrong}");
            }
        }
    }
}
