//! The clock thread, which runs work at its deadlines. All servers of a process with equal thread settings share one
//! clock thread.

use crate::error::Error;
use crate::host::Wake;
use crate::locks::{Condvar, Mutex};
use crate::panics::caught;
use crate::runtime::threads::shared;
use crate::runtime::threads::thread;
use crate::runtime::threads::thread::Threads;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The delay before work that panicked is checked again.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Work with deadlines. Its functions run on the clock's thread, so they must not block.
pub(in crate::runtime) trait Timed: Send + Sync {
    /// The time of the next call of [`Timed::run_due`]; `None` if there is none. The clock reads it again after each
    /// call and after each wake of the [`Alarm::waker`].
    fn next(&self) -> Option<Instant>;

    /// Called when the deadline is reached.
    fn run_due(&self);
}

/// The clock. Its thread ends when the last server drops this object.
pub(in crate::runtime) struct Clock(Arc<Inner>);

/// The part of the clock that its thread shares.
#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    number: u64,
    entries: HashMap<u64, Entry>,
    /// The deadlines, in order.
    due: BTreeSet<(Instant, u64)>,
    /// The entries whose next deadline may have changed.
    recheck: Vec<u64>,
    stopped: bool,
}

struct Entry {
    work: Arc<dyn Timed>,
    due: Option<Instant>,
    recheck: bool,
}

/// A registration with the clock. Dropping it ends the registration.
pub(in crate::runtime) struct Alarm {
    clock: Arc<Clock>,
    number: u64,
}

/// Reports that a deadline may have become earlier. It keeps neither the clock nor the work alive.
struct AlarmWake {
    clock: Weak<Inner>,
    number: u64,
}

impl Clock {
    /// The clock of this process for servers with equal thread settings.
    pub(in crate::runtime) fn shared(threads: &Threads) -> Result<Arc<Clock>, Error> {
        shared::clock(threads, || {
            let clock = Clock(Arc::default());
            let inner = clock.0.clone();
            thread::spawn(threads, "tenon-timer", move || inner.run())?;
            Ok(clock)
        })
    }

    /// Registers `work`. The registration ends when the returned alarm is dropped.
    pub(in crate::runtime) fn register(self: &Arc<Self>, work: Arc<dyn Timed>) -> Alarm {
        let number = {
            let mut state = self.0.state.lock();
            state.number += 1;
            let number = state.number;
            state.entries.insert(number, Entry { work, due: None, recheck: true });
            state.recheck.push(number);
            number
        };
        self.0.changed.notify_one();
        Alarm { clock: self.clone(), number }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.state.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Alarm {
    /// The waker that reports that the deadline may have become earlier.
    pub(in crate::runtime) fn waker(&self) -> Arc<dyn Wake> {
        Arc::new(AlarmWake { clock: Arc::downgrade(&self.clock.0), number: self.number })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let entry = {
            let mut state = self.clock.0.state.lock();
            let entry = state.entries.remove(&self.number);
            if let Some(due) = entry.as_ref().and_then(|entry| entry.due) {
                state.due.remove(&(due, self.number));
            }
            entry
        };
        // Dropped outside of the lock, because it may be the last reference to an engine.
        drop(entry);
    }
}

impl Wake for AlarmWake {
    fn wake(&self) {
        let Some(clock) = self.clock.upgrade() else { return };
        {
            let mut state = clock.state.lock();
            let State { entries, recheck, .. } = &mut *state;
            match entries.get_mut(&self.number) {
                Some(entry) if !entry.recheck => entry.recheck = true,
                _ => return,
            }
            recheck.push(self.number);
        }
        clock.changed.notify_one();
    }
}

impl State {
    /// Takes the entries to check now.
    fn take(&mut self, now: Instant) -> Vec<(u64, Arc<dyn Timed>)> {
        let mut numbers = std::mem::take(&mut self.recheck);
        while let Some(&(due, number)) = self.due.first().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, number));
            if let Some(entry) = self.entries.get_mut(&number) {
                entry.due = None;
                if !entry.recheck {
                    numbers.push(number);
                }
            }
        }
        let entries = &mut self.entries;
        let take = |number| {
            let entry: &mut Entry = entries.get_mut(&number)?;
            entry.recheck = false;
            Some((number, entry.work.clone()))
        };
        numbers.into_iter().filter_map(take).collect()
    }

    /// Sets the next deadline of an entry.
    fn put(&mut self, number: u64, next: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        if let Some(before) = std::mem::replace(&mut entry.due, next) {
            self.due.remove(&(before, number));
        }
        if let Some(next) = next {
            self.due.insert((next, number));
        }
    }
}

impl Inner {
    fn run(&self) {
        loop {
            let taken = {
                let mut state = self.state.lock();
                loop {
                    if state.stopped {
                        return;
                    }
                    let now = Instant::now();
                    match state.due.first() {
                        _ if !state.recheck.is_empty() => break state.take(now),
                        Some((due, _)) if *due <= now => break state.take(now),
                        Some(&(due, _)) => _ = self.changed.wait_until(&mut state, due),
                        None => self.changed.wait(&mut state),
                    }
                }
            };
            for (number, work) in taken {
                // A panic in one server must not end the clock for the other servers. The panic was logged already.
                let next = caught(|| {
                    if work.next().is_some_and(|next| next <= Instant::now()) {
                        work.run_due();
                    }
                    work.next()
                });
                // Without a deadline, the timer of a server that panicked would never run again.
                let next = next.unwrap_or_else(|_| Some(Instant::now() + RETRY_DELAY));
                self.state.lock().put(number, next);
                // This may be the last reference to an engine. Dropping the engine runs code of the program.
                let _ = caught(|| drop(work));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const TEST_TIMEOUT: Duration = Duration::from_secs(10);

    /// A clock whose thread has a stack that is large enough for the trace of a panic.
    fn clock() -> Arc<Clock> {
        Clock::shared(&Threads { stack: 2 << 20, ..Threads::default() }).unwrap()
    }

    struct Every {
        next: Mutex<Option<Instant>>,
        told: Sender<()>,
    }

    impl Timed for Every {
        fn next(&self) -> Option<Instant> {
            *self.next.lock()
        }

        fn run_due(&self) {
            *self.next.lock() = None;
            let _ = self.told.send(());
        }
    }

    #[test]
    fn one_that_panics_is_told_again() {
        struct First(Mutex<bool>, Sender<()>);
        impl Timed for First {
            fn next(&self) -> Option<Instant> {
                if std::mem::replace(&mut *self.0.lock(), false) {
                    panic!("on purpose");
                }
                Some(Instant::now())
            }
            fn run_due(&self) {
                let _ = self.1.send(());
            }
        }
        let clock = clock();
        let (told, heard) = channel();
        let _alarm = clock.register(Arc::new(First(Mutex::new(true), told)));
        heard.recv_timeout(TEST_TIMEOUT).expect("it is told");
    }

    #[test]
    fn each_is_told_of_its_own_time_and_a_panic_stops_nobody() {
        struct Panics;
        impl Timed for Panics {
            fn next(&self) -> Option<Instant> {
                Some(Instant::now())
            }
            fn run_due(&self) {
                panic!("on purpose");
            }
        }
        let clock = clock();
        let _panics = clock.register(Arc::new(Panics));
        let (told, heard) = channel();
        let work = Arc::new(Every { next: Mutex::new(Some(Instant::now())), told });
        let alarm = clock.register(work.clone());
        heard.recv_timeout(TEST_TIMEOUT).expect("it is told");
        // The deadline moves to a later time, and then to an earlier one.
        *work.next.lock() = Some(Instant::now() + TEST_TIMEOUT * 2);
        alarm.waker().wake();
        assert!(heard.recv_timeout(Duration::from_millis(20)).is_err());
        *work.next.lock() = Some(Instant::now() + Duration::from_millis(5));
        alarm.waker().wake();
        heard.recv_timeout(TEST_TIMEOUT).expect("it is told again");
        let waker = alarm.waker();
        drop(alarm);
        *work.next.lock() = Some(Instant::now());
        waker.wake();
        drop(clock);
        assert!(heard.recv_timeout(Duration::from_millis(20)).is_err());
    }

    #[test]
    fn what_panics_when_it_is_dropped_stops_nobody() {
        struct Last {
            inside: Sender<()>,
            go: Mutex<Receiver<()>>,
        }
        impl Timed for Last {
            fn next(&self) -> Option<Instant> {
                Some(Instant::now())
            }
            fn run_due(&self) {
                let _ = self.inside.send(());
                let _ = self.go.lock().recv();
            }
        }
        impl Drop for Last {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        let clock = clock();
        let ((inside, entered), (go, wait)) = (channel(), channel());
        let alarm = clock.register(Arc::new(Last { inside, go: Mutex::new(wait) }));
        entered.recv_timeout(TEST_TIMEOUT).expect("it is told");
        drop(alarm);
        drop(go);
        let (told, heard) = channel();
        let _alarm = clock.register(Arc::new(Every { next: Mutex::new(Some(Instant::now())), told }));
        heard.recv_timeout(TEST_TIMEOUT).expect("the clock goes on");
    }
}
