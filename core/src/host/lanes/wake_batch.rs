//! Batches of wakes. While a thread handles one batch of input, the wakes that the batch causes are held back. They
//! are made when the batch ends.
//!
//! A reading thread queues one operation after the other for a host. If the host were woken at the first operation, it
//! would compete with the reader for the next one, and would be woken again for it. If it is woken after all input is
//! queued, it takes everything at once. A thread that is in no batch wakes hosts at once.

use crate::host::lanes::wake::Wake;
use crate::sync::Mutex;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// The maximum number of operations that a thread queues before the held-back wakes are made.
const MOST: usize = 32;

/// The wakes that one thread, or the threads of one reactor, hold back.
pub(crate) struct WakeBatcher {
    held: Mutex<Vec<Arc<dyn Wake>>>,
    /// Reports that there are wakes to flush.
    due: Box<dyn Fn() + Send + Sync>,
}

/// One batch of input on one thread. When it is dropped, the wakes are made.
pub(crate) struct WakeBatch {
    turns: Arc<WakeBatcher>,
    before: Option<Arc<WakeBatcher>>,
    _here: PhantomData<*const ()>,
}

/// The batch that a thread is in.
struct CurrentBatch(RefCell<Option<Arc<WakeBatcher>>>);

impl Drop for CurrentBatch {
    /// The wakes that a thread has held back are made when the thread ends.
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            // The panic has been reported already, and unwinding here would end the process.
            let _ = turns.make();
        }
    }
}

#[cfg(not(loom))]
thread_local! {
    static CURRENT: CurrentBatch = const { CurrentBatch(RefCell::new(None)) };
    /// Operations queued since this thread first held a wake back; 0 if it holds none.
    static HELD: Cell<usize> = const { Cell::new(0) };
}
#[cfg(loom)]
loom::thread_local! {
    static CURRENT: CurrentBatch = CurrentBatch(RefCell::new(None));
    static HELD: Cell<usize> = Cell::new(0);
}

/// Makes a wake: at once, or at the end of this thread's batch.
pub(crate) fn wake(wake: Arc<dyn Wake>) {
    match CURRENT.try_with(|current| current.0.borrow().clone()) {
        Ok(Some(turns)) => turns.defer(wake),
        _ => wake.wake(),
    }
}

/// Counts an operation that was queued after one whose wake may be held back here.
pub(in crate::host) fn more() {
    let held = HELD.with(Cell::get);
    if held > 0 {
        HELD.with(|count| count.set(held + 1));
        if held + 1 >= MOST {
            outside(|| ());
        }
    }
}

/// Makes the wakes that this thread has held back. Called before the thread waits for something.
pub(crate) fn flush() {
    if HELD.with(Cell::get) > 0 {
        outside(|| ());
    }
}

/// Runs code that is not the engine's and may wait for something that only a woken host does. All held-back wakes are
/// made before it runs, and wakes that it causes are made at once.
pub(crate) fn outside<R>(run: impl FnOnce() -> R) -> R {
    /// Puts the thread back into its batch, even if `run` panics.
    struct RestoreBatch(Option<Arc<WakeBatcher>>);
    impl Drop for RestoreBatch {
        fn drop(&mut self) {
            enter(self.0.take());
        }
    }
    let Some(turns) = enter(None) else { return run() };
    let holds = HELD.with(Cell::get) > 0;
    let made = holds.then(|| turns.clone());
    let _back = RestoreBatch(Some(turns));
    if let Some(turns) = made {
        turns.end();
    }
    run()
}

/// Begins a batch of this thread that is not input.
pub(in crate::host) fn batch() -> WakeBatch {
    WakeBatcher::new(|| ()).begin()
}

/// Puts the thread into a batch, and returns its previous batch.
fn enter(turns: Option<Arc<WakeBatcher>>) -> Option<Arc<WakeBatcher>> {
    // A thread that is ending holds no wakes back.
    CURRENT.try_with(|current| current.0.replace(turns)).ok().flatten()
}

impl WakeBatcher {
    /// For threads whose batches end by [`WakeBatcher::flush`]. When the first wake of a batch is held back, the same
    /// thread calls `due`. It must not block.
    pub(crate) fn new(due: impl Fn() + Send + Sync + 'static) -> Arc<WakeBatcher> {
        Arc::new(WakeBatcher { held: Mutex::new(Vec::new()), due: Box::new(due) })
    }

    /// Begins a batch of this thread. The batch ends when the returned value is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> WakeBatch {
        let before = enter(Some(self.clone()));
        if let Some(before) = &before {
            before.end();
        }
        WakeBatch { turns: self.clone(), before, _here: PhantomData }
    }

    /// Makes this thread hold its wakes back for its whole lifetime.
    pub(crate) fn join(self: &Arc<Self>) {
        if let Some(before) = enter(Some(self.clone())) {
            before.end();
        }
    }

    /// Ends a batch: makes the wakes that the threads have held back.
    pub(crate) fn flush(&self) {
        let before = enter(None);
        let panicked = self.make();
        enter(before);
        tell(panicked);
    }

    fn defer(&self, wake: Arc<dyn Wake>) {
        let first = {
            let mut held = self.held.lock();
            held.push(wake);
            held.len() == 1
        };
        let count = HELD.with(|held| {
            held.set(held.get() + 1);
            held.get()
        });
        if count >= MOST {
            outside(|| ());
        } else if first {
            (self.due)();
        }
    }

    fn end(&self) {
        tell(self.make());
    }

    /// Makes the wakes, and returns the last panic among them. A wake that panics does not prevent the others.
    fn make(&self) -> Option<Box<dyn Any + Send>> {
        let _ = HELD.try_with(|held| held.set(0));
        let wakes = std::mem::take(&mut *self.held.lock());
        let made = wakes.into_iter().map(|wake| catch_unwind(AssertUnwindSafe(|| wake.wake())));
        made.filter_map(Result::err).last()
    }
}

/// Resumes a panic, unless that would end the process.
fn tell(panicked: Option<Box<dyn Any + Send>>) {
    if let Some(panic) = panicked.filter(|_| !std::thread::panicking()) {
        resume_unwind(panic);
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        enter(self.before.take());
        self.turns.end();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[derive(Default)]
    struct CountingWake(AtomicUsize);

    impl CountingWake {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    impl Wake for CountingWake {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct PanickingWake;

    impl Wake for PanickingWake {
        fn wake(&self) {
            panic!("a wake that panics");
        }
    }

    fn nothing() -> Arc<WakeBatcher> {
        WakeBatcher::new(|| ())
    }

    #[test]
    fn a_thread_without_a_turn_wakes_at_once() {
        let count = Arc::new(CountingWake::default());
        wake(count.clone());
        more();
        assert_eq!(count.get(), 1);
    }

    #[test]
    fn a_turn_makes_its_wakes_at_its_end() {
        let counts = [Arc::new(CountingWake::default()), Arc::new(CountingWake::default())];
        let turn = nothing().begin();
        for count in &counts {
            wake(count.clone());
        }
        assert_eq!(counts.each_ref().map(|count| count.get()), [0, 0]);
        drop(turn);
        assert_eq!(counts.each_ref().map(|count| count.get()), [1, 1]);
        wake(counts[0].clone());
        assert_eq!(counts[0].get(), 2, "the thread has left the turn");
    }

    #[test]
    fn only_so_many_operations_wait() {
        let count = Arc::new(CountingWake::default());
        let _turn = nothing().begin();
        wake(count.clone());
        for _ in 2..MOST {
            more();
        }
        assert_eq!(count.get(), 0);
        more();
        assert_eq!(count.get(), 1);
        more();
        wake(count.clone());
        assert_eq!(count.get(), 1, "the next wake waits again");
        let others: Vec<_> = (1..MOST).map(|_| Arc::new(CountingWake::default())).collect();
        others.iter().for_each(|other| wake(other.clone()));
        assert_eq!(count.get(), 2);
        assert!(others.iter().all(|other| other.get() == 1));
    }

    #[test]
    fn a_panic_within_a_turn_loses_no_wake() {
        let count = Arc::new(CountingWake::default());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _turn = nothing().begin();
            wake(count.clone());
            wake(Arc::new(PanickingWake));
            wake(count.clone());
            panic!("within the turn");
        }));
        assert!(panicked.is_err());
        assert_eq!(count.get(), 2);
    }

    #[test]
    fn a_wake_that_panics_takes_no_other_along() {
        let count = Arc::new(CountingWake::default());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _turn = nothing().begin();
            wake(Arc::new(PanickingWake));
            wake(count.clone());
        }));
        assert!(panicked.is_err(), "it is not hidden");
        assert_eq!(count.get(), 1);
        wake(count.clone());
        assert_eq!(count.get(), 2, "the thread has left the turn");
    }

    #[test]
    fn a_reactor_is_told_once_a_turn_and_flushed_by_any_thread() {
        let (due, count) = (Arc::new(CountingWake::default()), Arc::new(CountingWake::default()));
        let told = due.clone();
        let turns = WakeBatcher::new(move || told.wake());
        let (reactor, first, second) = (turns.clone(), count.clone(), count.clone());
        let thread = thread::spawn(move || {
            reactor.join();
            wake(first);
            wake(Arc::new(CountingWake::default()));
            let other = reactor.clone();
            thread::spawn(move || other.flush()).join().expect("it flushes");
            // Another batch.
            wake(second);
            reactor.flush();
            HELD.get()
        });
        assert_eq!(thread.join().expect("the thread ends"), 0);
        assert_eq!((due.get(), count.get()), (2, 2));
    }

    #[test]
    fn a_reactors_thread_that_ends_loses_no_wake() {
        let count = Arc::new(CountingWake::default());
        let (turns, held) = (nothing(), count.clone());
        let thread = thread::spawn(move || {
            turns.join();
            wake(held);
        });
        thread.join().expect("the thread ends");
        assert_eq!(count.get(), 1);
    }

    #[test]
    fn other_code_finds_all_wakes_made_and_makes_its_own_at_once() {
        let count = Arc::new(CountingWake::default());
        let turn = nothing().begin();
        wake(count.clone());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            outside(|| {
                assert_eq!(count.get(), 1);
                wake(count.clone());
                assert_eq!(count.get(), 2);
                panic!("within other code");
            })
        }));
        assert!(panicked.is_err());
        wake(count.clone());
        assert_eq!(count.get(), 2, "the thread is in its turn again");
        flush();
        assert_eq!(count.get(), 3);
        drop(turn);
        assert_eq!(count.get(), 3);
    }

    #[test]
    fn a_turn_within_another_holds_back_nothing_of_that() {
        let count = Arc::new(CountingWake::default());
        let outer = nothing().begin();
        wake(count.clone());
        let inner = nothing().begin();
        assert_eq!(count.get(), 1);
        wake(count.clone());
        drop(inner);
        assert_eq!(count.get(), 2);
        wake(count.clone());
        assert_eq!(count.get(), 2, "the outer turn goes on");
        drop(outer);
        assert_eq!(count.get(), 3);
    }
}
