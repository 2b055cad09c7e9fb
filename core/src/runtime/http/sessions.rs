//! Legacy sessions: the record of each lives in the store, what only this process can know beside it.

use super::slot::Slot;
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::host::{CancelReason, Engine, Outgoing, Peer, Sink};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::envelope::Client;
use crate::proto::version::Revision;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Sessions looked at in one sweep, so that its cost is bounded; the rest waits for the next.
const SWEEP: usize = 256;

/// One session as this process sees it.
pub(super) struct Session {
    id: Arc<str>,
    pub(super) peer: Arc<Peer>,
    /// Exchanges that are open.
    leases: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    last_used: Instant,
    /// The place in the queue of sweeps.
    check: Instant,
    /// Listening streams.
    streams: Vec<Weak<Slot>>,
    ended: bool,
}

/// An exchange that keeps its session in use.
pub(super) struct Lease(Arc<Session>);

/// The sessions of one endpoint.
pub(super) struct Sessions {
    engine: Engine,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<Arc<str>, Arc<Session>>,
    /// When each session is to be looked at next.
    checks: BTreeSet<(Instant, Arc<str>)>,
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NoSession {
    /// There never was, or it has ended.
    Missing,
    /// As many as the store may hold are open.
    Full,
    /// The store, or the system's randomness, cannot be had; the text says why.
    Unavailable(String),
}

impl Sessions {
    pub(super) fn new(engine: Engine) -> Arc<Sessions> {
        Arc::new(Sessions { engine, table: Mutex::default() })
    }

    fn idle(&self) -> Duration {
        self.engine.limits().session_idle
    }

    /// An id nobody can guess (LH-5).
    pub(super) fn mint(&self) -> Result<Arc<str>, NoSession> {
        let mut bytes = [0; 24];
        match self.engine.environment().random(&mut bytes) {
            Ok(()) => Ok(URL_SAFE_NO_PAD.encode(bytes).into()),
            Err(error) => Err(NoSession::Unavailable(error.to_string())),
        }
    }

    /// Keeps the session that `peer` has initialised.
    pub(super) async fn open(&self, peer: Arc<Peer>) -> Result<(), NoSession> {
        let (Some(id), Some(client)) = (peer.session_id().cloned(), peer.client()) else {
            return Err(NoSession::Missing);
        };
        let op = StoreOp::Put { key: key(&id), value: record(&client), ttl: self.idle() };
        match self.submit(op).await {
            StoreDone::Value(_) => {
                self.insert(id, peer);
                Ok(())
            }
            StoreDone::Full => Err(NoSession::Full),
            StoreDone::Unavailable(why) => Err(NoSession::Unavailable(why)),
        }
    }

    /// The session with this id, which is thereby in use. One that another process opened is taken up here.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<Session>, NoSession> {
        match self.submit(StoreOp::Get { key: key(id), touch: self.idle() }).await {
            StoreDone::Value(Some(record)) => {
                let known = self.table.lock().sessions.get(id).cloned();
                match known {
                    Some(session) => {
                        session.state.lock().last_used = self.engine.now();
                        Ok(session)
                    }
                    None => {
                        let client = read_record(&record)
                            .ok_or_else(|| NoSession::Unavailable("a session's record is damaged".into()))?;
                        let id: Arc<str> = id.into();
                        Ok(self.insert(id.clone(), Peer::resume(id, client)))
                    }
                }
            }
            StoreDone::Value(None) | StoreDone::Full => {
                self.drop_local(id);
                Err(NoSession::Missing)
            }
            StoreDone::Unavailable(why) => Err(NoSession::Unavailable(why)),
        }
    }

    /// Ends a session for good.
    pub(super) async fn end(&self, id: &str) -> Result<(), NoSession> {
        let done = self.submit(StoreOp::Delete { key: key(id) }).await;
        self.drop_local(id);
        match done {
            StoreDone::Unavailable(why) => Err(NoSession::Unavailable(why)),
            _ => Ok(()),
        }
    }

    fn insert(&self, id: Arc<str>, peer: Arc<Peer>) -> Arc<Session> {
        let now = self.engine.now();
        let check = now + self.idle() / 2;
        let mut table = self.table.lock();
        // Two requests may take up one session at the same time: the first wins.
        if let Some(session) = table.sessions.get(&id) {
            return session.clone();
        }
        let state = State { last_used: now, check, streams: Vec::new(), ended: false };
        let session =
            Arc::new(Session { id: id.clone(), peer, leases: AtomicUsize::new(0), state: Mutex::new(state) });
        table.checks.insert((check, id.clone()));
        table.sessions.insert(id, session.clone());
        session
    }

    /// Forgets a session here: its calls are cancelled, its streams end.
    fn drop_local(&self, id: &str) {
        let session = {
            let mut table = self.table.lock();
            let Some(session) = table.sessions.remove(id) else { return };
            let check = session.state.lock().check;
            table.checks.remove(&(check, session.id.clone()));
            session
        };
        session.end_streams();
        self.engine.close_peer(&session.peer, CancelReason::Disconnected);
    }

    /// Ends all listening streams: the server is closing.
    pub(super) fn end_streams(&self) {
        let sessions: Vec<_> = self.table.lock().sessions.values().cloned().collect();
        for session in sessions {
            session.end_streams();
        }
    }

    /// Ends sessions that have been idle too long, and keeps the records of those in use.
    pub(super) fn sweep(self: &Arc<Self>, now: Instant) {
        let idle = self.idle();
        let mut touch = Vec::new();
        let mut expired = Vec::new();
        {
            let mut table = self.table.lock();
            for _ in 0..SWEEP {
                let Some(first) = table.checks.first().filter(|(check, _)| *check <= now).cloned() else {
                    break;
                };
                table.checks.remove(&first);
                let id = first.1;
                let Some(session) = table.sessions.get(&id).cloned() else { continue };
                let mut state = session.state.lock();
                // A used session is looked at twice as often as its record could expire.
                let mut next = now + idle / 2;
                if session.in_use() {
                    state.last_used = now;
                    touch.push(id.clone());
                } else if state.last_used + idle <= now {
                    expired.push(id.clone());
                } else {
                    next = next.min(state.last_used + idle);
                }
                state.check = next;
                table.checks.insert((next, id));
            }
        }
        // The store lets the records of these expire by itself; another process may still use them.
        for id in expired {
            self.drop_local(&id);
        }
        for id in touch {
            let sessions = Arc::downgrade(self);
            let op = StoreOp::Get { key: key(&id), touch: idle };
            let done = move |done| {
                if let (StoreDone::Value(None), Some(sessions)) = (done, sessions.upgrade()) {
                    sessions.drop_local(&id);
                }
            };
            self.engine.store().submit(op, now, Box::new(done));
        }
    }

    /// Sessions this process knows.
    pub(super) fn len(&self) -> usize {
        self.table.lock().sessions.len()
    }

    fn submit(&self, op: StoreOp) -> impl Future<Output = StoreDone> + use<> {
        let slot: Arc<Mutex<(Option<StoreDone>, Option<Waker>)>> = Arc::default();
        let reply = Reply(slot.clone());
        self.engine.store().submit(op, self.engine.now(), Box::new(move |done| reply.put(done)));
        poll_fn(move |task| {
            let mut slot = slot.lock();
            match slot.0.take() {
                Some(done) => Poll::Ready(done),
                None => {
                    slot.1 = Some(task.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

/// Where a store puts its answer. A store that forgets to answer must not leave a request hanging.
struct Reply(Arc<Mutex<(Option<StoreDone>, Option<Waker>)>>);

impl Reply {
    fn put(&self, done: StoreDone) {
        let waker = {
            let mut slot = self.0.lock();
            slot.0.get_or_insert(done);
            slot.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // The slot may have been emptied by its reader, who then looks no more.
        self.put(StoreDone::Unavailable("the store gave no answer".into()));
    }
}

impl Session {
    /// Marks the session as used for as long as the lease lives.
    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        self.leases.fetch_add(1, Ordering::AcqRel);
        Lease(self.clone())
    }

    /// Adds a listening stream.
    pub(super) fn listen(&self, slot: &Arc<Slot>) {
        let mut state = self.state.lock();
        if state.ended {
            drop(state);
            slot.send(Outgoing::Dropped);
            return;
        }
        state.streams.retain(|stream| stream.strong_count() > 0);
        state.streams.push(Arc::downgrade(slot));
    }

    fn in_use(&self) -> bool {
        self.leases.load(Ordering::Acquire) > 0 || self.peer.in_flight() > 0
    }

    fn end_streams(&self) {
        let streams = {
            let mut state = self.state.lock();
            state.ended = true;
            std::mem::take(&mut state.streams)
        };
        for stream in streams.iter().filter_map(Weak::upgrade) {
            stream.send(Outgoing::Dropped);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::AcqRel);
    }
}

fn key(id: &str) -> String {
    format!("session/{id}")
}

/// What another process needs to know to take the session up.
fn record(client: &Client) -> Bytes {
    let mut out = JsonWriter::new();
    out.begin_object().key("revision").str(client.revision.as_str());
    if let Some(info) = &client.info {
        out.key("clientInfo").slice(info);
    }
    out.key("capabilities").slice(&client.capabilities).end_object();
    out.into_bytes()
}

fn read_record(record: &Bytes) -> Option<Client> {
    let record = JsonSlice::parse(record.clone(), &crate::json::Limits::default()).ok()?;
    let revision = Revision::parse(&record.member("revision")?.decode_str()?)?;
    Some(Client { revision, info: record.member("clientInfo"), capabilities: record.member("capabilities")? })
}
