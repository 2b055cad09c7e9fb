//! Resumes a stream for a client that reconnects: sends the events that it missed, and those that follow.

use crate::dispatch::shares::Part;
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::proto::framing::sse;
use crate::proto::http::{EventId, Refusal};
use crate::proto::session::version::Revision;
use crate::runtime::http::connection::body::{Exchange, ResponseBody};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::exchange::HttpService;
use crate::runtime::http::response::responses::event_stream;
use crate::runtime::http::resumption::event_log::{Mark, Missing, key, read_entry};
use crate::runtime::http::session::sessions::Lease;
use bytes::Bytes;
use http::Response;

/// What one look at the store reads at most, of entries and of bytes.
const PAGE: (usize, usize) = (1024, 1 << 20);

/// What the store has of a stream behind an event.
struct Replay {
    /// As they are stored, without a gap, from the next event on.
    entries: Vec<Bytes>,
    frames: Vec<Bytes>,
    /// There is nothing behind them.
    ended: bool,
}

impl HttpService {
    /// The response that goes on behind an event of one of the session's streams (LH-28, LH-29).
    pub(in crate::runtime::http) async fn resume(
        &self,
        lease: Lease,
        id: EventId<'_>,
        (caller, part): (Caller<'_>, Option<Part>),
    ) -> Result<Response<ResponseBody>, Refusal> {
        let Some(slot) = self.session_table().kept().find(lease.session(), id.stream) else {
            return self.replay_only(&lease, id, caller).await;
        };
        let attached = match slot.attach(id.number, &[]) {
            Err(Missing::Elsewhere) => {
                let replay = self.read_log(&lease, id).await?;
                match slot.attach(id.number, &replay.entries) {
                    // More has been read meanwhile by whoever had the stream. Nobody does now.
                    Err(Missing::Elsewhere) => {
                        slot.detach();
                        let replay = self.read_log(&lease, id).await?;
                        slot.attach(id.number, &replay.entries)
                    }
                    attached => attached,
                }
            }
            attached => attached,
        };
        let reader = attached.map_err(|missing| match missing {
            Missing::Unknown => Refusal::unknown_event(),
            Missing::Elsewhere => Refusal::lost_events(),
        })?;
        let exchange = Exchange::new(self.engine().clone(), slot, None, Some(lease), caller.link);
        let exchange = exchange.counted(part);
        Ok(self.stream(exchange.again(reader)))
    }

    /// A stream that this process does not have. Its events may have been kept by another, which goes on with it: then the
    /// response ends behind what there is, and the client asks again until a process that has the stream answers, or the
    /// stream is complete. One whose process is gone is not kept alive in the store, so that it is unknown after a while.
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
        Ok(event_stream(ResponseBody::whole(caller.budget.keep(out.into()))))
    }

    /// What the store has behind an event, all of it.
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
                if number <= id.number || mark == Mark::Begin {
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
