//! Counts the bytes that an endpoint buffers for all its clients, and limits them.

use crate::dispatch::shares::{Kind, Share as ClientShare};
use crate::proto::messages::error::{RpcError, stage};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Pieces up to this size are not counted. The first bytes of each growing buffer, up to this size, are not counted
/// either. A connection's own buffers are at least as large, so the limit of connections bounds these bytes.
const UNCOUNTED: usize = 8 << 10;

/// The error text for a client if the budget has no space for its request or its response.
const BUSY: &str = "Server busy: max_buffered_bytes is reached; retry later";

/// Growing buffers are counted in multiples of this size.
const STEP: usize = 8 << 10;

/// The budget of buffered bytes: for all clients, or for one client whose bytes also count in its share.
pub(in crate::runtime) struct Budget {
    totals: Arc<Totals>,
    share: Option<Arc<ClientShare>>,
    /// `true` if the last refusal was because of the client's share.
    over_share: AtomicBool,
}

struct Totals {
    max: usize,
    held: AtomicUsize,
}

impl Budget {
    pub(in crate::runtime::http) fn new(max: usize) -> Arc<Budget> {
        Budget::with(Arc::new(Totals { max, held: AtomicUsize::new(0) }), None)
    }

    fn with(totals: Arc<Totals>, share: Option<Arc<ClientShare>>) -> Arc<Budget> {
        Arc::new(Budget { totals, share, over_share: AtomicBool::new(false) })
    }

    /// The same budget, for a client that has a share.
    pub(in crate::runtime) fn of(self: &Arc<Self>, share: Option<&Arc<ClientShare>>) -> Arc<Budget> {
        match share {
            None => self.clone(),
            Some(share) => Budget::with(self.totals.clone(), Some(share.clone())),
        }
    }

    pub(in crate::runtime::http) fn client(&self) -> Option<&Arc<ClientShare>> {
        self.share.as_ref()
    }

    /// The error for a client for whose bytes the budget had no space.
    pub(in crate::runtime) fn refusal(&self) -> RpcError {
        match &self.share {
            Some(share) if self.over_share.load(Relaxed) => share.refusal(Kind::Bytes),
            _ => RpcError::busy(BUSY).refused_by(stage::LIMITS, "max_buffered_bytes"),
        }
    }

    /// Whether this number of bytes is too small to be counted.
    pub(in crate::runtime::http) fn is_uncounted(bytes: usize) -> bool {
        bytes <= UNCOUNTED
    }

    /// A reservation for a buffer that grows.
    pub(in crate::runtime) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Counts `total` bytes of a buffer. `share` is `None` while they are too few to be counted. Returns `false` if the
    /// budget has no space for them.
    pub(in crate::runtime::http) fn reserve(
        self: &Arc<Self>,
        share: &mut Option<Reservation>,
        total: usize,
    ) -> bool {
        if share.is_none() && Budget::is_uncounted(total) {
            return true;
        }
        share.get_or_insert_with(|| self.reservation()).set(total)
    }

    /// Counts the bytes until their last part is dropped. If the budget has no space, returns the bytes as the error.
    pub(in crate::runtime) fn admit(self: &Arc<Self>, bytes: Bytes) -> Result<Bytes, Bytes> {
        if Budget::is_uncounted(bytes.len()) {
            return Ok(bytes);
        }
        let mut share = self.reservation();
        if !share.set(bytes.len()) {
            return Err(bytes);
        }
        Ok(share.bind_to(bytes))
    }

    /// Counts bytes that were admitted in another form, even if they exceed the budget.
    pub(in crate::runtime::http) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        if Budget::is_uncounted(bytes.len()) {
            return bytes;
        }
        self.force(bytes.len());
        Reservation { budget: self.clone(), bytes: bytes.len() }.bind_to(bytes)
    }

    fn take(&self, bytes: usize) -> bool {
        let Totals { max, held } = &*self.totals;
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
        self.totals.held.fetch_add(bytes, Relaxed);
        if let Some(share) = &self.share {
            share.force(Kind::Bytes, bytes);
        }
    }

    fn give_back(&self, bytes: usize) {
        self.totals.held.fetch_sub(bytes, Relaxed);
        if let Some(share) = &self.share {
            share.give_back(Kind::Bytes, bytes);
        }
    }
}

/// A counted number of bytes. It is subtracted from the budget when this is dropped.
pub(in crate::runtime) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Changes the number of counted bytes. Returns `false` if the budget has no space for more.
    pub(in crate::runtime) fn set(&mut self, total: usize) -> bool {
        let wanted = match total.saturating_sub(UNCOUNTED) {
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

    /// The error for a client if the budget had no space for more.
    pub(in crate::runtime) fn refusal(&self) -> RpcError {
        self.budget.refusal()
    }

    /// Moves all counted bytes to a new reservation. This reservation then counts nothing.
    pub(in crate::runtime::http) fn split_off(&mut self) -> Reservation {
        Reservation { budget: self.budget.clone(), bytes: std::mem::take(&mut self.bytes) }
    }

    /// Changes the number of counted bytes even if that exceeds the budget.
    pub(in crate::runtime) fn force(&mut self, total: usize) {
        if !self.set(total) {
            let wanted = total.saturating_add(STEP - 1) / STEP * STEP;
            self.budget.force(wanted - self.bytes);
            self.bytes = wanted;
        }
    }

    /// Binds the reservation to these bytes. It ends when the last part of the bytes is dropped.
    pub(in crate::runtime::http) fn bind_to(self, bytes: Bytes) -> Bytes {
        match self.bytes {
            0 => bytes,
            _ => Bytes::from_owner(CountedBytes { bytes, _share: self }),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.bytes);
        }
    }
}

struct CountedBytes {
    bytes: Bytes,
    _share: Reservation,
}

impl AsRef<[u8]> for CountedBytes {
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
        let held = || budget.totals.held.load(Relaxed);
        let small: Vec<_> = (0..100).map(|_| budget.admit(bytes(UNCOUNTED)).unwrap()).collect();
        assert_eq!(held(), 0);
        let large = budget.admit(bytes(60_000)).unwrap();
        assert!((60_000..=60_000 + STEP).contains(&held()));
        assert_eq!(budget.admit(bytes(60_000)).unwrap_err().len(), 60_000);
        let part = large.slice(1..2);
        drop((large, small));
        assert!(held() >= 60_000);
        drop(part);
        assert_eq!(held(), 0);
        // Bytes that were admitted in another form may exceed the limit, and are counted.
        let kept = budget.count(bytes(200_000));
        assert!(budget.admit(bytes(10_000)).is_err());
        drop(kept);
        assert_eq!(held(), 0);
    }

    #[test]
    fn shares_grow_and_shrink() {
        let budget = Budget::new(STEP * 4);
        let held = || budget.totals.held.load(Relaxed);
        let (mut one, mut two) = (budget.reservation(), budget.reservation());
        assert!(one.set(UNCOUNTED) && held() == 0);
        assert!(one.set(UNCOUNTED + 1) && held() == 2 * STEP);
        assert!(one.set(3 * STEP) && !two.set(2 * STEP) && held() == 3 * STEP);
        assert!(!one.set(usize::MAX) && held() == 3 * STEP);
        two.force(2 * STEP);
        assert!(held() == 5 * STEP && !one.set(4 * STEP));
        two.force(0);
        assert_eq!(held(), 3 * STEP);
        assert!(one.set(0) && two.set(4 * STEP) && !one.set(UNCOUNTED + 1));
        drop((one, two.bind_to(bytes(1))));
        assert_eq!(held(), 0);
        // Small pieces are admitted with any limit.
        assert!(Budget::new(0).admit(bytes(UNCOUNTED)).is_ok());
    }
}
