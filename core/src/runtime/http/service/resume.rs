//! Resumes a stream for a client that has reconnected: sends the events that the client has missed, and the later ones.

use crate::dispatch::observer::StreamKind;
use crate::dispatch::shares::Part;
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::proto::framing::sse;
use crate::proto::http::{EventId, Refusal};
use crate::proto::version::Revision;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::body::{Exchange, ResponseBody};
use crate::runtime::http::response::responses::event_stream;
use crate::runtime::http::resumption::event_log::{AttachError, EntryKind, key, read_entry};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::http::session::legacy_session::Lease;
use bytes::Bytes;
use http::Response;

/// The maximum number of entries and of bytes in one read from the store.
const PAGE: (usize, usize) = (1024, 1 << 20);

/// The entries of a stream after an event, from the store.
struct Replay {
    /// The entries as they are stored, without a gap, beginning with the next event.
    entries: Vec<Bytes>,
    frames: Vec<Bytes>,
    /// `true` if the stream ends with these entries.
    ended: bool,
}

impl HttpService {
    /// The response that resumes a stream of the session after the event `id` (LH-28, LH-29).
    pub(in crate::runtime::http) async fn resume(
        &self,
        lease: Lease,
        id: EventId<'_>,
        (caller, part): (Caller<'_>, Option<Part>),
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Some(channel) = self.session_table().resumable().find(lease.session(), id.stream) else {
            return self.replay_only(&lease, id, caller).await;
        };
        let attached = match channel.attach(id.number, &[]) {
            Err(AttachError::NotInMemory) => {
                let replay = self.read_log(&lease, id).await?;
                match channel.attach(id.number, &replay.entries) {
                    // The previous reader has taken more events in the meantime, so it is detached first.
                    Err(AttachError::NotInMemory) => {
                        channel.detach();
                        let replay = self.read_log(&lease, id).await?;
                        channel.attach(id.number, &replay.entries)
                    }
                    attached => attached,
                }
            }
            attached => attached,
        };
        let reader = attached.map_err(|missing| match missing {
            AttachError::UnknownEvent => Refusal::unknown_event(),
            AttachError::NotInMemory => Refusal::lost_events(),
        })?;
        let exchange = Exchange::new(self.engine().clone(), channel, None, Some(lease), caller.connection);
        let exchange = exchange.with_part(part);
        let exchange = exchange.for_reader(reader).until_expiry(caller.principal);
        Ok(self.stream(exchange, Some(StreamKind::Resumed)))
    }

    /// Replays the stream of another process from the store. The response ends after the stored events. The client then
    /// reconnects until it reaches the process of the stream, or until the stream is complete. If that process has
    /// ended, the log expires in the store, and later requests fail with an unknown event.
    async fn replay_only(
        &self,
        lease: &Lease,
        id: EventId<'_>,
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let replay = self.read_log(lease, id).await?;
        let mut out = Vec::new();
        if !replay.ended && lease.peer().revision() == Some(Revision::V2025_11_25) {
            sse::encode_retry(None, self.limits().stream_retry.as_millis(), &mut out);
        }
        replay.frames.iter().for_each(|frame| out.extend_from_slice(frame));
        Ok(event_stream(ResponseBody::whole(caller.budget.count(out.into()))))
    }

    /// Reads all stored entries after the event `id`. Fails if an event is missing or the store fails.
    async fn read_log(&self, lease: &Lease, id: EventId<'_>) -> Result<Replay, Refusal> {
        let mut replay = Replay { entries: Vec::new(), frames: Vec::new(), ended: false };
        let (mut after, mut known, mut next) = (0, false, id.number.saturating_add(1));
        loop {
            let op = StoreOp::Read {
                key: key(&lease.session().id, id.stream),
                after,
                max_entries: PAGE.0,
                max_bytes: PAGE.1,
            };
            let read = match self.session_table().ask(op).await {
                StoreDone::Entries(read) => read,
                other => {
                    let why = other.failure().unwrap_or("it returned an unexpected reply");
                    return Err(Refusal::busy(format!("Server busy: events are unavailable: {why}")));
                }
            };
            for entry in &read.entries {
                let (mark, number, frame) = read_entry(&entry.bytes).ok_or_else(Refusal::unknown_event)?;
                known |= number >= id.number;
                replay.ended = mark.ends();
                if number <= id.number || mark == EntryKind::Begin {
                    continue;
                }
                if number != next {
                    return Err(Refusal::lost_events());
                }
                next += 1;
                replay.entries.push(entry.bytes.clone());
                replay.frames.push(frame);
            }
            match read.entries.last().filter(|_| read.more) {
                Some(last) => after = last.position,
                None if known => return Ok(replay),
                None => return Err(Refusal::unknown_event()),
            }
        }
    }
}
