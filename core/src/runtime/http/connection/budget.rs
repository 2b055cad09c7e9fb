//! Counts the bytes that an endpoint holds for all its clients, and limits them.

use crate::dispatch::shares::{Kind, Share as ClientShare};
use crate::proto::messages::error::RpcError;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Pieces up to this size are not counted, nor is this much of each buffer that grows: a connection's own buffers are
/// no smaller, so what bounds those is the number of connections.
const FREE: usize = 8 << 10;

/// What a client is told when there is no room for its request or its answer.
const FULL: &str = "Server busy: too many bytes wait to be read or written";

/// What buffers grow by in the account.
const STEP: usize = 8 << 10;

/// The account, as all clients have it or as one client has it, whose bytes count to its own share too.
pub(in crate::runtime) struct Budget {
    account: Arc<Account>,
    share: Option<Arc<ClientShare>>,
    /// What had no room last had none in the client's share.
    over_share: AtomicBool,
}

struct Account {
    max: usize,
    held: AtomicUsize,
}

impl Budget {
    pub(in crate::runtime::http) fn new(max: usize) -> Arc<Budget> {
        Budget::with(Arc::new(Account { max, held: AtomicUsize::new(0) }), None)
    }

    fn with(account: Arc<Account>, share: Option<Arc<ClientShare>>) -> Arc<Budget> {
        Arc::new(Budget { account, share, over_share: AtomicBool::new(false) })
    }

    /// The same account for a client that has a share.
    pub(in crate::runtime) fn of(self: &Arc<Self>, share: Option<&Arc<ClientShare>>) -> Arc<Budget> {
        match share {
            None => self.clone(),
            Some(share) => Budget::with(self.account.clone(), Some(share.clone())),
        }
    }

    pub(in crate::runtime::http) fn client(&self) -> Option<&Arc<ClientShare>> {
        self.share.as_ref()
    }

    /// What a client is told for whose bytes there was no room.
    pub(in crate::runtime) fn refusal(&self) -> RpcError {
        match &self.share {
            Some(share) if self.over_share.load(Relaxed) => share.refusal(Kind::Bytes),
            _ => RpcError::busy(FULL),
        }
    }

    /// Whether this many bytes are too few to be counted.
    pub(in crate::runtime::http) fn is_free(bytes: usize) -> bool {
        bytes <= FREE
    }

    /// A share for something that grows.
    pub(in crate::runtime) fn share(self: &Arc<Self>) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }

    /// Has the bytes counted until the last part of them is dropped; gives them back if there is no room.
    pub(in crate::runtime) fn admit(self: &Arc<Self>, bytes: Bytes) -> Result<Bytes, Bytes> {
        if Budget::is_free(bytes.len()) {
            return Ok(bytes);
        }
        let mut share = self.share();
        if !share.set(bytes.len()) {
            return Err(bytes);
        }
        Ok(share.carried_by(bytes))
    }

    /// The same for bytes that have been admitted in another form.
    pub(in crate::runtime::http) fn keep(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        if Budget::is_free(bytes.len()) {
            return bytes;
        }
        self.force(bytes.len());
        Share { budget: self.clone(), bytes: bytes.len() }.carried_by(bytes)
    }

    fn take(&self, bytes: usize) -> bool {
        let Account { max, held } = &*self.account;
        let room = |held: usize| held.checked_add(bytes).filter(|held| held <= max);
        if let Some(share) = &self.share {
            let over = !share.take(Kind::Bytes, bytes);
            self.over_share.store(over, Relaxed);
            if over {
                return false;
            }
        }
        let taken = held.fetch_update(Relaxed, Relaxed, room).is_ok();
        if let (false, Some(share)) = (taken, &self.share) {
            share.give_back(Kind::Bytes, bytes);
        }
        taken
    }

    fn force(&self, bytes: usize) {
        self.account.held.fetch_add(bytes, Relaxed);
        if let Some(share) = &self.share {
            share.force(Kind::Bytes, bytes);
        }
    }

    fn give_back(&self, bytes: usize) {
        self.account.held.fetch_sub(bytes, Relaxed);
        if let Some(share) = &self.share {
            share.give_back(Kind::Bytes, bytes);
        }
    }
}

/// A part of the account, given back when it is dropped.
pub(in crate::runtime) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Counts this many bytes from now on, more or less than before; `false` if there is no room for more.
    pub(in crate::runtime) fn set(&mut self, total: usize) -> bool {
        let wanted = match total.saturating_sub(FREE) {
            0 => 0,
            _ => total.saturating_add(STEP - 1) / STEP * STEP,
        };
        if wanted > self.bytes && !self.budget.take(wanted - self.bytes) {
            return false;
        }
        if wanted < self.bytes {
            self.budget.give_back(self.bytes - wanted);
        }
        self.bytes = wanted;
        true
    }

    /// What a client is told if there was no room for more.
    pub(in crate::runtime) fn refusal(&self) -> RpcError {
        self.budget.refusal()
    }

    /// All that it has counted so far, as a share of its own; it counts nothing then.
    pub(in crate::runtime::http) fn part(&mut self) -> Share {
        Share { budget: self.budget.clone(), bytes: std::mem::take(&mut self.bytes) }
    }

    /// The same for what has to be held, whether there is room or not.
    pub(in crate::runtime) fn force(&mut self, total: usize) {
        if !self.set(total) {
            let wanted = total.saturating_add(STEP - 1) / STEP * STEP;
            self.budget.force(wanted - self.bytes);
            self.bytes = wanted;
        }
    }

    /// Lasts as long as any part of these bytes.
    pub(in crate::runtime::http) fn carried_by(self, bytes: Bytes) -> Bytes {
        match self.bytes {
            0 => bytes,
            _ => Bytes::from_owner(Carried { bytes, _share: self }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.bytes);
        }
    }
}

struct Carried {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Carried {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Bytes {
        vec![b' '; len].into()
    }

    #[test]
    fn what_is_admitted_is_given_back_with_its_last_part() {
        let budget = Budget::new(100_000);
        let held = || budget.account.held.load(Relaxed);
        let small: Vec<_> = (0..100).map(|_| budget.admit(bytes(FREE)).unwrap()).collect();
        assert_eq!(held(), 0);
        let large = budget.admit(bytes(60_000)).unwrap();
        assert!((60_000..=60_000 + STEP).contains(&held()));
        assert_eq!(budget.admit(bytes(60_000)).unwrap_err().len(), 60_000);
        let part = large.slice(1..2);
        drop((large, small));
        assert!(held() >= 60_000);
        drop(part);
        assert_eq!(held(), 0);
        // What has been admitted before goes beyond the bound, and counts.
        let kept = budget.keep(bytes(200_000));
        assert!(budget.admit(bytes(10_000)).is_err());
        drop(kept);
        assert_eq!(held(), 0);
    }

    #[test]
    fn shares_grow_and_shrink() {
        let budget = Budget::new(STEP * 4);
        let held = || budget.account.held.load(Relaxed);
        let (mut one, mut two) = (budget.share(), budget.share());
        assert!(one.set(FREE) && held() == 0);
        assert!(one.set(FREE + 1) && held() == 2 * STEP);
        assert!(one.set(3 * STEP) && !two.set(2 * STEP) && held() == 3 * STEP);
        assert!(!one.set(usize::MAX) && held() == 3 * STEP);
        two.force(2 * STEP);
        assert!(held() == 5 * STEP && !one.set(4 * STEP));
        two.force(0);
        assert_eq!(held(), 3 * STEP);
        assert!(one.set(0) && two.set(4 * STEP) && !one.set(FREE + 1));
        drop((one, two.carried_by(bytes(1))));
        assert_eq!(held(), 0);
        // No bound is too small to let small things through.
        assert!(Budget::new(0).admit(bytes(FREE)).is_ok());
    }
}
