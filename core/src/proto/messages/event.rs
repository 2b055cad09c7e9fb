//! The events that a handler may send before it completes, as one table of kinds.

use crate::json::{JsonSlice, JsonWriter, Kind as JsonKind};
use crate::proto::messages::error::clip;
use crate::proto::operation::{Method, outgoing};
use crate::proto::results::shape;
use crate::proto::version::Revision;
use bytes::Bytes;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// Progress: `{progress, total?, message?}`. A value that does not increase is dropped. All progress is dropped if
    /// the client did not ask for it.
    Progress,
    /// A log message for the client: `{level, logger?, data}`. It is dropped if the client asked only for higher
    /// levels.
    Log,
    /// A notification of the program's own: `{method, params}`. [`Event::notification`] checks it.
    Notification,
    /// The current activity of the call's task: `{message}`. It is dropped if the call is not a task.
    Status,
}

struct Row {
    kind: EventKind,
    word: &'static str,
    method: &'static str,
}

/// In the order of the variants.
const ROWS: [Row; 4] = [
    Row { kind: EventKind::Progress, word: "progress", method: "notifications/progress" },
    Row { kind: EventKind::Log, word: "log", method: "notifications/message" },
    // The program sets the method.
    Row { kind: EventKind::Notification, word: "notification", method: "" },
    // The status is stored in the task, and clients are notified of the whole task.
    Row { kind: EventKind::Status, word: "status", method: "notifications/tasks/status" },
];

impl EventKind {
    /// The kind with this name in the APIs.
    pub fn named(word: &str) -> Option<EventKind> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.kind)
    }

    /// The name in the APIs: `progress`.
    pub fn as_str(self) -> &'static str {
        ROWS[self as usize].word
    }

    pub(crate) fn method(self) -> &'static str {
        ROWS[self as usize].method
    }
}

/// An event that a handler sends before it completes.
#[derive(Clone, Debug)]
pub struct Event {
    /// The kind of event.
    pub kind: EventKind,
    /// The members for its kind, a JSON object.
    pub params: JsonSlice,
}

impl Event {
    /// The progress of the call: the present amount, the total if it is known, and a sentence for the user.
    pub fn progress(progress: f64, total: Option<f64>, message: Option<&str>) -> Event {
        let mut out = JsonWriter::with_capacity(64);
        out.begin_object();
        number(&mut out, "progress", progress);
        if let Some(total) = total {
            number(&mut out, "total", total);
        }
        if let Some(message) = message {
            out.key("message").str(message);
        }
        out.end_object();
        Event { kind: EventKind::Progress, params: out.into_slice() }
    }

    /// A log message for the client with this level (`"info"`), and optionally the name of a logger.
    pub fn log(level: &str, logger: Option<&str>, data: &JsonSlice) -> Event {
        let mut out = JsonWriter::with_capacity(64 + data.as_bytes().len());
        out.begin_object().key("level").str(level);
        if let Some(logger) = logger {
            out.key("logger").str(logger);
        }
        out.key("data").slice(data).end_object();
        Event { kind: EventKind::Log, params: out.into_slice() }
    }
}

/// A notification of the program's own as an event. The error gives the reason if it is not valid.
pub(crate) fn of_program(method: &str, params: &JsonSlice) -> Result<Event, String> {
    check_own(method, params)?;
    let mut out = JsonWriter::with_capacity(64 + method.len() + params.as_bytes().len());
    out.begin_object().key("method").str(method).key("params").slice(params).end_object();
    Ok(Event { kind: EventKind::Notification, params: out.into_slice() })
}

/// Checks whether a program may send this notification.
pub(crate) fn check_own(method: &str, params: &JsonSlice) -> Result<(), String> {
    if method.is_empty() {
        return Err("a notification's method is empty".into());
    }
    if outgoing::NOTIFICATIONS.contains(&method)
        || !matches!(Method::parse(method.into()), Method::Unknown(_))
    {
        return Err(format!("{:?} is a notification of the protocol; use a name of your own", clip(method)));
    }
    if params.kind() != JsonKind::Object {
        return Err(format!("notification {:?}: its params must be an object", clip(method)));
    }
    Ok(())
}

/// The notification of an event of the program's own; `None` if the event is of another kind.
pub(crate) fn own(params: &JsonSlice) -> Option<Bytes> {
    let (method, params) = (params.member("method")?, params.member("params")?);
    let method = method.decode_str()?;
    check_own(&method, &params).ok()?;
    Some(shape::notification(&method, Some(&params)))
}

impl Event {
    /// The current activity of the call's task, as a sentence.
    pub fn status(message: &str) -> Event {
        let mut out = JsonWriter::with_capacity(32 + message.len());
        out.begin_object().key("message").str(message).end_object();
        Event { kind: EventKind::Status, params: out.into_slice() }
    }
}

/// The present amount of a progress event.
pub(crate) fn amount(params: &JsonSlice) -> Option<f64> {
    let member = params.member("progress").filter(|member| member.kind() == JsonKind::Number)?;
    member.as_str().parse().ok().filter(|amount: &f64| amount.is_finite())
}

/// `notifications/progress`. 2024-11-05 has no `message`, so it is left out there.
pub(crate) fn progress(revision: Revision, token: &JsonSlice, params: &JsonSlice) -> Option<Bytes> {
    let mut out = open(EventKind::Progress, 64 + params.as_bytes().len());
    out.key("progressToken").slice(token);
    out.key("progress").slice(&params.member("progress")?);
    if let Some(total) = params.member("total") {
        // A number that JSON does not have arrives as `null`.
        out.key("total").slice(Some(&total).filter(|total| total.kind() == JsonKind::Number)?);
    }
    let message = params.member("message").filter(|message| message.kind() == JsonKind::String);
    if let Some(message) = message.filter(|_| revision > Revision::V2024_11_05) {
        out.key("message").slice(&message);
    }
    Some(close(out))
}

/// The notification of an event whose parameters are sent unchanged.
pub(crate) fn plain(kind: EventKind, params: &JsonSlice) -> Bytes {
    shape::notification(kind.method(), Some(params))
}

fn open(kind: EventKind, size: usize) -> JsonWriter {
    let mut out = JsonWriter::with_capacity(64 + size);
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(kind.method());
    out.key("params").begin_object();
    out
}

fn close(mut out: JsonWriter) -> Bytes {
    out.end_object().end_object();
    out.into_bytes()
}

/// Whole numbers are written without a fraction, as host languages write integers.
fn number(out: &mut JsonWriter, key: &str, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    out.key(key);
    if value.fract() == 0.0 && value.abs() <= EXACT {
        out.int(value as i64);
    } else if out.float(value).is_err() {
        out.null();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind as usize, place);
            assert_eq!(EventKind::named(row.word), Some(row.kind));
        }
    }

    #[test]
    fn what_the_protocol_has_is_no_notification_of_a_program() {
        let empty = JsonSlice::empty_object();
        for own in ["notifications/mine", "example.com/moved"] {
            assert!(Event::notification(own, &empty).is_ok(), "{own}");
        }
        for known in ["notifications/progress", "notifications/tools/list_changed", "tools/call", ""] {
            assert!(Event::notification(known, &empty).is_err(), "{known}");
        }
        assert!(Event::notification("notifications/mine", &JsonSlice::null()).is_err());
    }

    #[test]
    fn what_is_no_number_is_no_progress() {
        assert_eq!(amount(&Event::progress(f64::NAN, None, None).params), None);
        assert_eq!(amount(&Event::progress(2.0, Some(f64::INFINITY), None).params), Some(2.0));
        let event = Event::progress(0.5, Some(4.0), Some("x"));
        assert_eq!(event.params.as_str(), r#"{"progress":0.5,"total":4,"message":"x"}"#);
    }
}
