//! The ids of events in legacy sessions. A client that resumes a stream sends one.

use super::headers::single;
use super::{LAST_EVENT_ID, Refusal};
use http::{HeaderMap, StatusCode};
use std::fmt;

/// The id of an event: its stream, and its position in the stream. For clients it has no structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId<'s> {
    /// The name of the stream. It is unique among all streams of all sessions (LH-27).
    pub stream: &'s str,
    /// The position, starting with 1. 0 is the position before the first event.
    pub number: u64,
}

/// The maximum length of a stream's name.
const MAX_NAME: usize = 64;

impl<'s> EventId<'s> {
    /// Reads an id; `None` if the engine never creates such an id.
    pub fn parse(text: &'s str) -> Option<EventId<'s>> {
        let (stream, number) = text.rsplit_once('.')?;
        let named = stream.len() <= MAX_NAME
            && !stream.is_empty()
            && stream.bytes().all(|byte| byte == b'.' || byte.is_ascii_hexdigit());
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let plain = number.len() == 1 || !number.starts_with('0');
        (named && digits && plain).then_some(())?;
        Some(EventId { stream, number: number.parse().ok()? })
    }
}

impl fmt::Display for EventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.number)
    }
}

/// The event after which a GET resumes a stream; `None` if it opens a new stream (LH-28).
pub fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId<'_>>, Refusal> {
    let refuse = |what| Refusal::plain(StatusCode::BAD_REQUEST, format!("Bad request: last-event-id {what}"));
    match single(headers, LAST_EVENT_ID) {
        Err(_) => Err(refuse("occurs more than once")),
        Ok(None) => Ok(None),
        Ok(Some(raw)) => {
            let id = std::str::from_utf8(raw).ok().and_then(EventId::parse);
            id.map(Some).ok_or_else(Refusal::unknown_event)
        }
    }
}

impl Refusal {
    /// No known stream of the session has this event (LH-34).
    pub fn unknown_event() -> Refusal {
        Refusal::plain(
            StatusCode::BAD_REQUEST,
            "Bad request: last-event-id does not name an event of this session, or its stream is no longer stored",
        )
    }

    /// Some of the events after this one are no longer stored, so the stream cannot be resumed here (LH-34).
    pub fn lost_events() -> Refusal {
        Refusal::plain(
            StatusCode::BAD_REQUEST,
            "Bad request: some of the events after last-event-id are no longer stored",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_ids_of_ours_are_read() {
        for wrong in [
            "",
            ".",
            "7",
            "a.",
            ".7",
            "a.-1",
            "a.+1",
            "a.01",
            "g.1",
            "a/b.1",
            "a.99999999999999999999",
            "é.1",
        ] {
            assert_eq!(EventId::parse(wrong), None, "{wrong}");
        }
        assert_eq!(EventId::parse(&format!("{}.1", "a".repeat(65))), None);
        assert_eq!(EventId::parse("a.2.0"), Some(EventId { stream: "a.2", number: 0 }));
    }

    proptest! {
        #[test]
        fn ids_survive_a_round_trip(stream in "[0-9a-f]{1,16}\\.[0-9]{1,9}", number: u64) {
            let id = EventId { stream: &stream, number };
            let text = id.to_string();
            prop_assert_eq!(EventId::parse(&text), Some(id));
        }
    }
}
