//! Locks for the engine and its bindings. They work in a forked child, because they use no table of threads.
//!
//! A program may fork while threads of the engine wait, and the child may start its own server. Some locks, such as
//! those of parking_lot, keep a table of all waiting threads of the process. In the child, that table still lists the
//! parent's threads. New threads at the same addresses can then turn its lists into rings, in which a search never
//! ends. The locks of std wait in the kernel instead, on their own memory.
//!
//! A lock is never poisoned, because a panic in a handler ends only one call, and is caught before other code sees
//! unfinished data.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{self, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Repeats the memory order of a lock in this crate, for ThreadSanitizer. The standard library is not compiled with
/// ThreadSanitizer, so it does not see the lock's own order after a thread has waited. In all other builds this does
/// nothing.
#[derive(Debug, Default)]
struct Order(#[cfg(lock_order)] AtomicUsize);

impl Order {
    const fn new() -> Order {
        Order(
            #[cfg(lock_order)]
            AtomicUsize::new(0),
        )
    }

    /// Called after the lock was taken.
    #[inline]
    fn taken(&self) {
        #[cfg(lock_order)]
        self.0.load(std::sync::atomic::Ordering::Acquire);
    }

    /// Called after a value was found. The thread that set it has called [`Order::left`], or is about to.
    #[inline]
    fn taken_after_one(&self) {
        #[cfg(lock_order)]
        while self.0.load(std::sync::atomic::Ordering::Acquire) == 0 {
            std::hint::spin_loop();
        }
    }

    /// Called before the lock is released.
    #[inline]
    fn left(&self) {
        #[cfg(lock_order)]
        self.0.fetch_add(1, std::sync::atomic::Ordering::Release);
    }
}

/// A lock that gives one thread at a time access to its value.
#[derive(Debug, Default)]
pub struct Mutex<T> {
    lock: sync::Mutex<T>,
    order: Order,
}

/// Access to the value of a [`Mutex`]. Dropping it releases the lock.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// `None` only inside functions that have exclusive access to this guard.
    held: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { lock: sync::Mutex::new(value), order: Order::new() }
    }

    /// Waits for the lock. A thread that already holds it waits forever.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.lock_inner()) }
    }

    /// Takes the lock without waiting. `None` if a thread holds it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let held = match self.lock.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.order.taken();
        Some(MutexGuard { mutex: self, held: Some(held) })
    }

    /// The value, without the lock: no other thread can hold it, because this reference is exclusive.
    pub fn get_mut(&mut self) -> &mut T {
        self.lock.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn lock_inner(&self) -> sync::MutexGuard<'_, T> {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.order.taken();
        held
    }
}

impl<T> MutexGuard<'_, T> {
    /// Runs `within` without the lock.
    pub fn unlocked<R>(guard: &mut Self, within: impl FnOnce() -> R) -> R {
        /// Takes the lock again, even if `within` panics.
        struct Relock<'g, 'a, T>(&'g mut MutexGuard<'a, T>);
        impl<T> Drop for Relock<'_, '_, T> {
            fn drop(&mut self) {
                self.0.held = Some(self.0.mutex.lock_inner());
            }
        }
        guard.mutex.order.left();
        guard.held = None;
        let _back = Relock(guard);
        within()
    }
}

#[cfg(lock_order)]
impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if self.held.is_some() {
            self.mutex.order.left();
        }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.held.as_ref().expect("a guard that can be seen holds its lock")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("a guard that can be seen holds its lock")
    }
}

/// Whether a wait ended because its timeout had passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut(bool);

impl TimedOut {
    /// Whether the timeout had passed. The condition may still be true.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// A condition on which threads that hold a [`Mutex`] wait for other threads. Each condition belongs to one mutex. A
/// thread that notifies must have held that mutex since the condition became true.
///
/// The condition of std calls the kernel for every notification, even if no thread waits. This condition counts the
/// waiting threads that have no notification yet. It calls the kernel only if there are such threads.
#[derive(Debug, Default)]
pub struct Condvar {
    waits: sync::Condvar,
    /// The number of waiting threads. Changed only under the lock.
    waiting: AtomicUsize,
    /// The number of waiting threads without a notification; it is never too low. It is increased under the lock. So a
    /// thread that held the lock after another began to wait counts that other thread.
    unnotified: AtomicUsize,
}

impl Condvar {
    /// A condition on which no thread waits.
    pub const fn new() -> Condvar {
        Condvar { waits: sync::Condvar::new(), waiting: AtomicUsize::new(0), unnotified: AtomicUsize::new(0) }
    }

    /// Wakes one waiting thread.
    #[inline]
    pub fn notify_one(&self) {
        let taken = self.unnotified.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
        if taken.is_ok() {
            self.waits.notify_one();
        }
    }

    /// Wakes all waiting threads.
    #[inline]
    pub fn notify_all(&self) {
        if self.unnotified.load(Relaxed) > 0 && self.unnotified.swap(0, Relaxed) > 0 {
            self.waits.notify_all();
        }
    }

    /// Runs `wait` with the lock of `guard`, and counts the thread as waiting.
    fn counted<'a, T, R>(
        &self,
        guard: &mut MutexGuard<'a, T>,
        wait: impl FnOnce(sync::MutexGuard<'a, T>) -> (sync::MutexGuard<'a, T>, R),
    ) -> Option<R> {
        let held = guard.held.take()?;
        self.waiting.fetch_add(1, Relaxed);
        self.unnotified.fetch_add(1, Relaxed);
        guard.mutex.order.left();
        let (held, result) = wait(held);
        guard.mutex.order.taken();
        guard.held = Some(held);
        let waiting = self.waiting.fetch_sub(1, Relaxed) - 1;
        // A thread whose wait timed out is still counted in `unnotified`.
        self.unnotified.fetch_min(waiting, Relaxed);
        Some(result)
    }

    /// Releases the lock and waits for a notification. It may also return without a notification.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.counted(guard, |held| (self.waits.wait(held).unwrap_or_else(PoisonError::into_inner), ()));
    }

    /// The same, for at most `time`.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> TimedOut {
        let timed_out = self.counted(guard, |held| {
            let (held, result) = self.waits.wait_timeout(held, time).unwrap_or_else(PoisonError::into_inner);
            (held, result.timed_out())
        });
        TimedOut(timed_out.unwrap_or(true))
    }

    /// Waits while `more` returns `true`.
    pub fn wait_while<T>(&self, guard: &mut MutexGuard<'_, T>, mut more: impl FnMut(&mut T) -> bool) {
        while more(guard) {
            self.wait(guard);
        }
    }

    /// Like [`Condvar::wait`], at most until `end`.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, end: Instant) -> TimedOut {
        self.wait_for(guard, end.saturating_duration_since(Instant::now()))
    }

    /// Waits while `more` returns `true`, for at most `time`.
    pub fn wait_while_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut more: impl FnMut(&mut T) -> bool,
        time: Duration,
    ) -> TimedOut {
        // A time beyond the range of the clock means no timeout.
        let end = Instant::now().checked_add(time);
        while more(guard) {
            match end {
                Some(end) if self.wait_until(guard, end).timed_out() => return TimedOut(more(guard)),
                Some(_) => {}
                None => self.wait(guard),
            }
        }
        TimedOut(false)
    }
}

/// A lock that lets any number of threads read its value, or one thread write it.
#[derive(Debug, Default)]
pub struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    /// An unlocked lock.
    pub const fn new(value: T) -> RwLock<T> {
        RwLock(sync::RwLock::new(value))
    }

    /// Waits until no thread writes. A thread that already reads may wait forever.
    #[inline]
    pub fn read(&self) -> sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no thread reads or writes.
    #[inline]
    pub fn write(&self) -> sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that is set once.
#[derive(Debug)]
pub struct OnceLock<T> {
    value: sync::OnceLock<T>,
    order: Order,
}

impl<T> OnceLock<T> {
    /// Without a value.
    pub const fn new() -> OnceLock<T> {
        OnceLock { value: sync::OnceLock::new(), order: Order::new() }
    }

    /// The value, if it is set.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        let value = self.value.get();
        if value.is_some() {
            self.order.taken_after_one();
        }
        value
    }

    /// Sets the value, or returns the new one as the error if a value is set already.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.order.left();
        Ok(())
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_panic_poisons_nothing() {
        let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let (mut value, mut other) = (mutex.lock(), lock.write());
            (*value, *other) = (2, 2);
            panic!("while both are held");
        }));
        assert!(panicked.is_err());
        assert_eq!((*mutex.lock(), *lock.read()), (2, 2));
        assert!(mutex.try_lock().is_some());
    }

    #[test]
    fn unlocked_takes_the_lock_back() {
        let mutex = Mutex::new(1);
        let mut guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        MutexGuard::unlocked(&mut guard, || *mutex.try_lock().expect("the lock is free") += 1);
        assert_eq!(*guard, 2);
        let panicked =
            catch_unwind(AssertUnwindSafe(|| MutexGuard::unlocked(&mut guard, || panic!("within"))));
        assert!(panicked.is_err() && mutex.try_lock().is_none());
        assert_eq!(*guard, 2);
    }

    #[test]
    fn waits_end_by_a_change_or_by_time() {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let mut value = shared.0.lock();
        assert!(shared.1.wait_until(&mut value, Instant::now()).timed_out());
        assert!(
            shared.1.wait_while_for(&mut value, |value| *value == 0, Duration::from_millis(1)).timed_out()
        );
        let other = shared.clone();
        let thread = thread::spawn(move || {
            *other.0.lock() = 1;
            other.1.notify_all();
        });
        assert!(!shared.1.wait_while_for(&mut value, |value| *value == 0, Duration::MAX).timed_out());
        assert_eq!(*value, 1);
        drop(value);
        thread.join().expect("the thread ends");
    }

    #[test]
    fn every_thread_that_waits_is_notified() {
        // Threads pass tokens to each other. Some waits time out, so that their counts remain in `unnotified`.
        const THREADS: usize = 8;
        const TOKENS: usize = 20_000;
        let shared = Arc::new((Mutex::new((0, 0)), Condvar::new()));
        let takers: Vec<_> = (0..THREADS)
            .map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (mutex, changed) = &*shared;
                    let mut state = mutex.lock();
                    loop {
                        while state.0 == 0 && state.1 < TOKENS {
                            if index % 2 == 0 {
                                changed.wait(&mut state);
                            } else {
                                changed.wait_for(&mut state, Duration::from_micros(50));
                            }
                        }
                        if state.1 >= TOKENS {
                            return;
                        }
                        (state.0, state.1) = (state.0 - 1, state.1 + 1);
                        if state.1 == TOKENS {
                            changed.notify_all();
                        }
                    }
                })
            })
            .collect();
        for _ in 0..TOKENS {
            shared.0.lock().0 += 1;
            shared.1.notify_one();
        }
        for taker in takers {
            taker.join().expect("the thread ends");
        }
        assert_eq!(shared.1.waiting.load(Relaxed), 0);
        assert_eq!(shared.1.unnotified.load(Relaxed), 0);
    }
}
