//! Legacy sessions. The record of each session is in the store. This module adds the state that only one process has.

use super::record::{client_of, key, read_record, record};
use crate::dispatch::principal::Principal;
use crate::dispatch::store::{StoreDone, StoreOp, When};
use crate::host::{CancelReason, Engine, Peer};
use crate::locks::Mutex;
use crate::proto::http::Refusal;
use crate::proto::messages::error::stage;
use crate::proto::messages::id::RequestId;
use crate::runtime::http::resumption::get_stream::GetStreams;
use crate::runtime::http::resumption::resumable_streams::{ResumableStreams, SessionStreams};
use crate::runtime::http::session::legacy_session::{Lease, Session};
use crate::runtime::http::session::session_table::{Full, Removed, Table};
use crate::runtime::http::session::store_query::PendingQueries;
use crate::runtime::http::session::store_query::{self, store_failed};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The sessions of one endpoint.
pub(in crate::runtime::http) struct Sessions {
    engine: Engine,
    pub(super) table: Mutex<Table>,
    waiting: PendingQueries,
    resumable: ResumableStreams,
}

/// The reason why a request has no session.
#[derive(Debug)]
pub(in crate::runtime::http) enum NoSession {
    /// The session does not exist or has ended.
    Missing,
    /// The limit of sessions is reached, and all sessions are in use.
    Full,
    /// The store or the random generator has failed. The text gives the reason.
    Unavailable(String),
}

/// The refusal of a request that has no session.
pub(in crate::runtime::http) fn no_session(why: NoSession, id: Option<&RequestId>) -> Refusal {
    match why {
        NoSession::Missing => Refusal::no_session(id),
        NoSession::Full => {
            Refusal::unavailable(id, "Server busy: too many sessions are open (max_sessions); retry later")
                .refused_by(stage::LIMITS, "max_sessions")
        }
        NoSession::Unavailable(why) => {
            Refusal::unavailable(id, format!("Server busy: sessions are unavailable: {why}"))
                .refused_by(stage::STORE, "unavailable")
        }
    }
}

/// A place that is reserved for a session that is being opened.
struct SessionReservation<'s>(&'s Sessions);

impl Sessions {
    pub(in crate::runtime::http) fn new(engine: Engine) -> Arc<Sessions> {
        let limits = engine.limits();
        let table = Table::new(limits.max_sessions, limits.session_idle, limits.handshake_timeout);
        Arc::new(Sessions {
            engine,
            table: Mutex::new(table),
            waiting: PendingQueries::default(),
            resumable: ResumableStreams::default(),
        })
    }

    fn idle(&self) -> Duration {
        self.engine.limits().session_idle
    }

    /// Returns a random session id (LH-5).
    pub(in crate::runtime::http) fn new_id(&self) -> Result<Arc<str>, NoSession> {
        let mut bytes = [0; 24];
        match self.engine.environment().random(&mut bytes) {
            Ok(()) => Ok(URL_SAFE_NO_PAD.encode(bytes).into()),
            Err(error) => Err(NoSession::Unavailable(error.to_string())),
        }
    }

    /// Opens the session that `peer` has initialised. If the client sends no other message, the session is removed
    /// after [`Limits::handshake_timeout`](crate::Limits::handshake_timeout).
    pub(in crate::runtime::http) async fn open(self: &Arc<Self>, peer: Arc<Peer>) -> Result<(), NoSession> {
        let (Some(id), Some(client)) = (peer.session_id().cloned(), peer.client()) else {
            return Err(NoSession::Missing);
        };
        let reservation = self.reserve()?;
        let ttl = self.engine.limits().handshake_timeout.min(self.idle());
        let record = record(&client, peer.principal().as_ref());
        // The peer must not hold a second copy of these values, or the connection's buffer.
        peer.rebase(client_of(&record).ok_or(NoSession::Missing)?);
        drop(client);
        match self
            .ask(StoreOp::Put { key: key(&id), value: record.into_bytes(), ttl, when: When::Always })
            .await
        {
            StoreDone::Stored(_) => {
                let session = self.session(id, peer);
                let mut table = self.table.lock();
                reservation.use_up(&mut table);
                table.insert(session, self.engine.now(), true, false);
                Ok(())
            }
            StoreDone::Full => Err(NoSession::Full),
            other => Err(unusable(&other)),
        }
    }

    fn reserve(self: &Arc<Self>) -> Result<SessionReservation<'_>, NoSession> {
        let removed = self.table.lock().reserve().map_err(|Full| NoSession::Full)?;
        let reservation = SessionReservation(self);
        if let Some(Removed { session, own }) = removed {
            self.close(&session);
            if own {
                // The result is not awaited, because the store only has to get this operation before the next record.
                let op = StoreOp::Delete { key: key(&session.id), when: When::Always };
                let observers = self.engine.observers().clone();
                let done = move |done| {
                    if let Some(why) = StoreDone::failure(&done) {
                        store_failed(&observers, why);
                    }
                };
                self.engine.store().submit(op, self.engine.now(), Box::new(done));
            }
        }
        Ok(reservation)
    }

    /// Returns the session with this id, which is in use while the lease exists. A session that another process has
    /// opened is resumed in this process. For another principal, the session does not exist.
    pub(in crate::runtime::http) async fn find(
        self: &Arc<Self>,
        id: &str,
        principal: Option<&Principal>,
    ) -> Result<Lease, NoSession> {
        let lease = self.find_any(id).await?;
        if !lease.peer().is_of(principal) {
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
                    // If the record is invalid, the client must open a new session.
                    None => {
                        let (client, principal) = read_record(&record.value).ok_or(NoSession::Missing)?;
                        self.resume(Peer::resume(id.into(), principal, client))
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

    fn resume(self: &Arc<Self>, peer: Arc<Peer>) -> Result<Lease, NoSession> {
        let id = peer.session_id().cloned().ok_or(NoSession::Missing)?;
        let session = self.session(id.clone(), peer);
        let now = self.engine.now();
        let (lease, removed) = {
            let mut table = self.table.lock();
            // Two requests may resume a session at the same time. The first one adds it.
            if let Some(lease) = table.lease(&id, now) {
                return Ok(lease);
            }
            let removed = table.make_room().map_err(|Full| NoSession::Full)?;
            table.insert(session.clone(), now, false, true);
            (Session::lease(&session), removed)
        };
        self.engine.joins(&session.peer);
        // The record of the removed session stays in the store, so that its client can resume the session in any
        // process.
        if let Some(removed) = removed {
            self.close(&removed.session);
        }
        Ok(lease)
    }

    /// Ends a session and deletes its record.
    pub(in crate::runtime::http) async fn end(self: &Arc<Self>, id: &str) -> Result<(), NoSession> {
        let done = self.ask(StoreOp::Delete { key: key(id), when: When::Always }).await;
        self.forget(id);
        match done.failure() {
            Some(why) => Err(NoSession::Unavailable(why.into())),
            None => Ok(()),
        }
    }

    fn session(self: &Arc<Self>, id: Arc<str>, peer: Arc<Peer>) -> Arc<Session> {
        let get_streams = Arc::<GetStreams>::default();
        peer.set_sink(get_streams.clone());
        Arc::new(Session {
            id,
            peer,
            leases: AtomicUsize::new(0),
            listens: AtomicUsize::new(0),
            reports_idle: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            get_streams,
            streams: SessionStreams::default(),
            sessions: Arc::downgrade(self),
        })
    }

    /// Removes a session from this process.
    fn forget(&self, id: &str) {
        let removed = self.table.lock().remove(id);
        if let Some(removed) = removed {
            self.close(&removed.session);
        }
    }

    /// Cancels the calls and ends the streams of a session that was removed from the table.
    fn close(&self, session: &Session) {
        session.ended.store(true, Ordering::Release);
        session.get_streams.end();
        self.engine.close_peer(&session.peer, CancelReason::Disconnected);
        self.resumable.end_session(session);
    }

    /// The resumable streams of all sessions.
    pub(in crate::runtime::http) fn resumable(&self) -> &ResumableStreams {
        &self.resumable
    }

    /// Ends all GET streams, because the server is closing.
    pub(in crate::runtime::http) fn end_streams(&self) {
        let sessions = self.table.lock().sessions();
        for session in sessions {
            session.get_streams.end();
        }
    }

    /// Reports to observers that all sessions end in this process, because the server has ended. Their records stay in
    /// the store, so another process may resume them.
    pub(in crate::runtime::http) fn leave_all(&self) {
        let sessions = self.table.lock().sessions();
        sessions.iter().for_each(|session| self.engine.leaves(&session.peer));
    }

    /// Ends sessions that were idle for too long, and renews the records of those in use. Fails the store queries that
    /// have reached their timeout.
    pub(in crate::runtime::http) fn sweep(self: &Arc<Self>, now: Instant) {
        self.waiting.time_out(now);
        self.resumable.sweep(&self.engine, now);
        let swept = self.table.lock().sweep(now);
        // The store deletes the records of these sessions when they expire, because another process may still use the
        // sessions.
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

    /// The number of sessions that this process knows.
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
            store_failed(self.engine.observers(), why);
        }
    }
}

impl SessionReservation<'_> {
    fn use_up(self, table: &mut Table) {
        table.release_reservation();
        std::mem::forget(self);
    }
}

impl Drop for SessionReservation<'_> {
    fn drop(&mut self) {
        self.0.table.lock().release_reservation();
    }
}

/// The error for an unexpected reply of the store.
fn unusable(done: &StoreDone) -> NoSession {
    NoSession::Unavailable(done.failure().unwrap_or("it returned an unexpected reply").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;
    use crate::json::JsonSlice;
    use crate::proto::messages::envelope::Client;
    use crate::proto::version::Revision;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Polls the future once. The memory store answers at once.
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
        let of = |issuer: &str, subject: &str| Some(Principal::new(issuer, subject));
        let all = [
            None,
            Some("me".into()),
            of("a", "bc"),
            of("ab", "c"),
            of("a", ""),
            of("", "a"),
            of("me", "host"),
        ];
        for owner in all.clone() {
            let id: Arc<str> = here.new_id().expect("randomness");
            at_once(here.open(Peer::resume(id.clone(), owner.clone(), client.clone()))).expect("room");
            // The session must be found in this process, and in one that knows it only from the store.
            for sessions in [&here, &there] {
                for asking in [None, Some("you".into())].iter().chain(&all) {
                    let found = at_once(sessions.find(&id, asking.as_ref()));
                    assert_eq!(found.is_ok(), *asking == owner, "{owner:?} {asking:?}");
                }
            }
        }
    }
}
