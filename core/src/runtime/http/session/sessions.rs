//! Legacy sessions. The record of each session is in the store; this module adds the state that only this process can
//! have.

use crate::dispatch::log::{self, Log, LogLevel};
use crate::dispatch::store::{StoreDone, StoreOp, When};
use crate::host::{CancelReason, Engine, Peer, Wake};
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::locks::Mutex;
use crate::proto::messages::envelope::Client;
use crate::proto::session::version::Revision;
use crate::runtime::http::response::response_channel::Slot;
use crate::runtime::http::resumption::get_stream::Listening;
use crate::runtime::http::resumption::resumable_streams::{Kept, Streams};
use crate::runtime::http::session::session_table::{Full, Removed, Table};
use crate::runtime::http::session::store_query;
use crate::runtime::http::session::store_query::Waiting;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// One session as this process sees it.
pub(in crate::runtime::http) struct Session {
    pub(in crate::runtime::http) id: Arc<str>,
    pub(in crate::runtime::http) peer: Arc<Peer>,
    /// Exchanges that are open.
    leases: AtomicUsize,
    /// GET streams among them.
    listens: AtomicUsize,
    /// It was passed over as one in use, and waits for whoever ends that use to say so.
    pub(in crate::runtime::http) parked: AtomicBool,
    ended: AtomicBool,
    listening: Arc<Listening>,
    /// Those that may be resumed.
    pub(in crate::runtime::http) streams: Streams,
    sessions: Weak<Sessions>,
}

/// An exchange that keeps its session in use.
pub(in crate::runtime::http) struct Lease {
    session: Arc<Session>,
    /// It is a GET stream, and counted as one.
    listens: bool,
}

/// The sessions of one endpoint.
pub(in crate::runtime::http) struct Sessions {
    engine: Engine,
    table: Mutex<Table>,
    waiting: Waiting,
    kept: Kept,
}

/// Why there is no session.
#[derive(Debug)]
pub(in crate::runtime::http) enum NoSession {
    /// There never was, or it has ended.
    Missing,
    /// As many as may be are open, and all are in use.
    Full,
    /// The store, or the system's randomness, cannot be had; the text says why.
    Unavailable(String),
}

/// Room for a session that is being opened.
struct Promise<'s>(&'s Sessions);

impl Sessions {
    pub(in crate::runtime::http) fn new(engine: Engine) -> Arc<Sessions> {
        let limits = engine.limits();
        let table = Table::new(limits.max_sessions, limits.session_idle, limits.handshake_timeout);
        Arc::new(Sessions {
            engine,
            table: Mutex::new(table),
            waiting: Waiting::default(),
            kept: Kept::default(),
        })
    }

    fn idle(&self) -> Duration {
        self.engine.limits().session_idle
    }

    /// An id nobody can guess (LH-5).
    pub(in crate::runtime::http) fn mint(&self) -> Result<Arc<str>, NoSession> {
        let mut bytes = [0; 24];
        match self.engine.environment().random(&mut bytes) {
            Ok(()) => Ok(URL_SAFE_NO_PAD.encode(bytes).into()),
            Err(error) => Err(NoSession::Unavailable(error.to_string())),
        }
    }

    /// Keeps the session that `peer` has initialised, for a short time until its client says more.
    pub(in crate::runtime::http) async fn open(self: &Arc<Self>, peer: Arc<Peer>) -> Result<(), NoSession> {
        let (Some(id), Some(client)) = (peer.session_id().cloned(), peer.client()) else {
            return Err(NoSession::Missing);
        };
        let promise = self.promise()?;
        let ttl = self.engine.limits().handshake_timeout.min(self.idle());
        let record = record(&client, peer.principal().map(|principal| &**principal));
        // The peer must keep neither a second copy nor the connection's buffer.
        peer.rebase(client_of(&record).ok_or(NoSession::Missing)?);
        drop(client);
        match self
            .ask(StoreOp::Put { key: key(&id), value: record.into_bytes(), ttl, when: When::Always })
            .await
        {
            StoreDone::Stored(_) => {
                let session = self.session(id, peer);
                let mut table = self.table.lock();
                promise.redeem(&mut table);
                table.insert(session, self.engine.now(), true, false);
                Ok(())
            }
            StoreDone::Full => Err(NoSession::Full),
            other => Err(unusable(&other)),
        }
    }

    fn promise(self: &Arc<Self>) -> Result<Promise<'_>, NoSession> {
        let removed = self.table.lock().promise().map_err(|Full| NoSession::Full)?;
        let promise = Promise(self);
        if let Some(Removed { session, own }) = removed {
            self.close(&session);
            if own {
                // Nobody waits: what counts here is that the store hears of it before the record that follows.
                let op = StoreOp::Delete { key: key(&session.id), when: When::Always };
                let log = self.engine.log().clone();
                let done = move |done| {
                    if let Some(why) = StoreDone::failure(&done) {
                        store_failed(&*log, why);
                    }
                };
                self.engine.store().submit(op, self.engine.now(), Box::new(done));
            }
        }
        Ok(promise)
    }

    /// The session with this id, in use for as long as the lease lives. One that another process opened is taken up
    /// here. To anybody but the principal who opened it, it does not exist.
    pub(in crate::runtime::http) async fn find(
        self: &Arc<Self>,
        id: &str,
        principal: Option<&Arc<str>>,
    ) -> Result<Lease, NoSession> {
        let lease = self.find_any(id).await?;
        if lease.peer().principal() != principal {
            return Err(NoSession::Missing);
        }
        Ok(lease)
    }

    async fn find_any(self: &Arc<Self>, id: &str) -> Result<Lease, NoSession> {
        match self.ask(StoreOp::Get { key: key(id), touch: Some(self.idle()) }).await {
            StoreDone::Value(Some(record)) => {
                let known = self.table.lock().lease(id, self.engine.now());
                match known {
                    Some(lease) => Ok(lease),
                    // A record that cannot be read is of no use to the client either, who may open another session.
                    None => {
                        let (client, principal) = read_record(&record.value).ok_or(NoSession::Missing)?;
                        self.take_up(Peer::resume(id.into(), principal, client))
                    }
                }
            }
            StoreDone::Value(None) | StoreDone::Full => {
                self.forget(id);
                Err(NoSession::Missing)
            }
            other => Err(unusable(&other)),
        }
    }

    fn take_up(self: &Arc<Self>, peer: Arc<Peer>) -> Result<Lease, NoSession> {
        let id = peer.session_id().cloned().ok_or(NoSession::Missing)?;
        let session = self.session(id.clone(), peer);
        let now = self.engine.now();
        let (lease, removed) = {
            let mut table = self.table.lock();
            // Two requests may take up one session at the same time: the first wins.
            if let Some(lease) = table.lease(&id, now) {
                return Ok(lease);
            }
            let removed = table.make_room().map_err(|Full| NoSession::Full)?;
            table.insert(session.clone(), now, false, true);
            (Session::lease(&session), removed)
        };
        self.engine.joins(&session.peer);
        // Its record stays: whoever has that session may come back to it, here or elsewhere.
        if let Some(removed) = removed {
            self.close(&removed.session);
        }
        Ok(lease)
    }

    /// Ends a session for good.
    pub(in crate::runtime::http) async fn end(self: &Arc<Self>, id: &str) -> Result<(), NoSession> {
        let done = self.ask(StoreOp::Delete { key: key(id), when: When::Always }).await;
        self.forget(id);
        match done.failure() {
            Some(why) => Err(NoSession::Unavailable(why.into())),
            None => Ok(()),
        }
    }

    fn session(self: &Arc<Self>, id: Arc<str>, peer: Arc<Peer>) -> Arc<Session> {
        let listening = Arc::<Listening>::default();
        peer.set_sink(listening.clone());
        Arc::new(Session {
            id,
            peer,
            leases: AtomicUsize::new(0),
            listens: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            listening,
            streams: Streams::default(),
            sessions: Arc::downgrade(self),
        })
    }

    /// Forgets a session here.
    fn forget(&self, id: &str) {
        let removed = self.table.lock().remove(id);
        if let Some(removed) = removed {
            self.close(&removed.session);
        }
    }

    /// Ends what a session that is known no longer has here: its calls are cancelled, its streams end.
    fn close(&self, session: &Session) {
        session.ended.store(true, Ordering::Release);
        session.listening.end();
        self.engine.close_peer(&session.peer, CancelReason::Disconnected);
        self.kept.end_session(session);
    }

    /// The streams that may be resumed.
    pub(in crate::runtime::http) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Ends all listening streams: the server is closing.
    pub(in crate::runtime::http) fn end_streams(&self) {
        let sessions = self.table.lock().sessions();
        for session in sessions {
            session.listening.end();
        }
    }

    /// Ends sessions that have been idle too long, keeps the records of those in use, and answers requests that wait
    /// for the store for too long.
    pub(in crate::runtime::http) fn sweep(self: &Arc<Self>, now: Instant) {
        self.waiting.time_out(now);
        self.kept.sweep(&self.engine, now);
        let swept = self.table.lock().sweep(now);
        // The store lets the records of these expire by itself; another process may still use them.
        for session in swept.expired {
            self.close(&session);
        }
        for session in swept.in_use {
            let sessions = Arc::downgrade(self);
            let op = StoreOp::Get { key: key(&session.id), touch: Some(self.idle()) };
            let done = move |done| match (done, sessions.upgrade()) {
                (StoreDone::Value(None), Some(sessions)) => sessions.forget(&session.id),
                (done, Some(sessions)) => sessions.note(&done),
                _ => {}
            };
            self.engine.store().submit(op, now, Box::new(done));
        }
    }

    /// Sessions this process knows.
    pub(in crate::runtime::http) fn len(&self) -> usize {
        self.table.lock().len()
    }

    pub(in crate::runtime::http) async fn ask(&self, op: StoreOp) -> StoreDone {
        let done = store_query::ask(&self.engine, &self.waiting, op).await;
        self.note(&done);
        done
    }

    fn note(&self, done: &StoreDone) {
        if let Some(why) = done.failure() {
            store_failed(&**self.engine.log(), why);
        }
    }
}

impl Promise<'_> {
    fn redeem(self, table: &mut Table) {
        table.unpromise();
        std::mem::forget(self);
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.0.table.lock().unpromise();
    }
}

impl Session {
    /// Marks the session as used for as long as the lease lives. Under the table's lock, so that it cannot be found idle
    /// meanwhile.
    pub(in crate::runtime::http) fn lease(session: &Arc<Session>) -> Lease {
        session.leases.fetch_add(1, Ordering::SeqCst);
        Lease { session: session.clone(), listens: false }
    }

    /// Adds a listening stream.
    pub(in crate::runtime::http) fn listen(&self, slot: &Arc<Slot>) {
        self.listening.add(slot);
    }

    /// An exchange is open, or a call in flight.
    pub(in crate::runtime::http) fn in_use(&self) -> bool {
        self.leases.load(Ordering::SeqCst) > 0 || self.peer.in_flight() > 0
    }

    /// If it is in use, has the end of that use reported to the table.
    pub(in crate::runtime::http) fn park(self: &Arc<Self>) -> bool {
        // Both before the look: a lease or a call that ends after it sees them.
        self.parked.store(true, Ordering::SeqCst);
        self.peer.on_idle(Arc::new(Idle(Arc::downgrade(self))));
        self.in_use()
    }

    /// A use of it has ended, perhaps the last one: if it is parked, it may make room again.
    fn used(&self) {
        if self.parked.load(Ordering::SeqCst)
            && let Some(sessions) = self.sessions.upgrade()
        {
            sessions.table.lock().unpark(self);
        }
    }

    /// It has ended, although it may still be leased.
    pub(in crate::runtime::http) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl Lease {
    pub(in crate::runtime::http) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(in crate::runtime::http) fn peer(&self) -> &Arc<Peer> {
        &self.session.peer
    }

    /// Counts it as a GET stream, of which the session may have `most`; `false` if it has them already.
    pub(in crate::runtime::http) fn listens(&mut self, most: usize) -> bool {
        let one_more = |open: usize| (open < most).then_some(open + 1);
        let listens = &self.session.listens;
        self.listens |= listens.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        self.listens
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.listens {
            self.session.listens.fetch_sub(1, Ordering::AcqRel);
        }
        if self.session.leases.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.session.used();
        }
    }
}

/// Told when the last call of a parked session ends, which may be after its last lease: its client has left.
struct Idle(Weak<Session>);

impl Wake for Idle {
    fn wake(&self) {
        if let Some(session) = self.0.upgrade() {
            session.used();
        }
    }
}

pub(in crate::runtime::http) fn store_failed(log: &dyn Log, why: &str) {
    log::say(log, LogLevel::Error, log::STORE, || format!("the store failed: {why}"));
}

/// Of an answer that is of no use.
fn unusable(done: &StoreDone) -> NoSession {
    NoSession::Unavailable(done.failure().unwrap_or("it returned an unexpected reply").into())
}

fn key(id: &str) -> String {
    ["session/", id].concat()
}

/// What another process needs to know to take the session up, in a buffer of just that size.
fn record(client: &Client, principal: Option<&str>) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key("revision").str(client.revision.as_str());
    if let Some(info) = &client.info {
        out.key("clientInfo").slice(info);
    }
    if let Some(principal) = principal {
        out.key("principal").str(principal);
    }
    out.key("capabilities").slice(&client.capabilities).end_object();
    JsonSlice::from_trusted(Bytes::copy_from_slice(&out.into_bytes()))
}

fn read_record(record: &Bytes) -> Option<(Client, Option<Arc<str>>)> {
    let record = JsonSlice::parse(record.clone(), &crate::json::Limits::default()).ok()?;
    let principal = match record.member("principal") {
        Some(principal) => Some(principal.decode_str()?.into()),
        None => None,
    };
    Some((client_of(&record)?, principal))
}

/// The client of a record, whose parts are parts of the record.
fn client_of(record: &JsonSlice) -> Option<Client> {
    let revision = Revision::parse(&record.member("revision")?.decode_str()?)?;
    let object = |name| record.member(name).filter(|value| value.kind() == Kind::Object);
    let client = Client { revision, info: object("clientInfo"), capabilities: object("capabilities")? };
    (!revision.is_modern()).then_some(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// The store in memory answers at once.
    fn at_once<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("the future waits"),
        }
    }

    #[test]
    fn a_session_is_there_for_the_principal_who_opened_it() {
        let engine = Server::new("demo", "1.0.0").engine().clone();
        let (here, there) = (Sessions::new(engine.clone()), Sessions::new(engine));
        let capabilities = JsonSlice::empty_object();
        let client = Client { revision: Revision::V2025_11_25, info: None, capabilities };
        let (me, you): (Arc<str>, Arc<str>) = ("me".into(), "you".into());
        for owner in [None, Some(me.clone())] {
            let id: Arc<str> = here.mint().expect("randomness");
            at_once(here.open(Peer::resume(id.clone(), owner.clone(), client.clone()))).expect("room");
            // In this process, and in one that knows of it from the store only.
            for sessions in [&here, &there] {
                for asking in [None, Some(&me), Some(&you)] {
                    let found = at_once(sessions.find(&id, asking));
                    assert_eq!(found.is_ok(), asking == owner.as_ref(), "{owner:?} {asking:?}");
                }
            }
        }
    }
}
