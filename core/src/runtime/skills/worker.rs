//! Threads for work that others must not wait for. There are none while nothing is to be done.

use crate::host::{Threads, Work};
use crate::locks::Mutex;
use crate::panics::caught;
use std::collections::VecDeque;
use std::sync::Arc;

/// One that hangs, on a file system that does not answer, leaves another.
const MOST: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs in their order, at most [`MOST`] at a time. A job holds little: that of a call that was cancelled waits for its
/// turn, too, and finds nothing to do.
#[derive(Clone)]
pub(crate) struct Worker {
    queue: Arc<Mutex<Queue>>,
    /// Of its threads.
    name: &'static str,
    threads: Threads,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
}

impl Worker {
    /// Without work. Its threads are called so.
    pub(crate) fn new(name: &'static str, threads: &Threads) -> Worker {
        Worker { queue: Arc::default(), name, threads: threads.clone() }
    }

    /// Runs what waits, until nothing does.
    fn drain(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                let Some(job) = queue.jobs.pop_front() else {
                    queue.threads -= 1;
                    return;
                };
                job
            };
            // A job answers its own panics. Whatever one does, the thread goes on: a lost thread would still be counted.
            let _ = caught(job);
        }
    }
}

impl Work for Worker {
    fn run(&self, job: Job) -> bool {
        {
            let mut queue = self.queue.lock();
            queue.jobs.push_back(job);
            // A thread that is counted may be in a job that lasts, so it is not relied on.
            if queue.threads == MOST {
                return true;
            }
            queue.threads += 1;
        }
        let own = self.clone();
        if crate::runtime::thread::spawn(&self.threads, self.name, move || own.drain()).is_ok() {
            return true;
        }
        let mut queue = self.queue.lock();
        queue.threads -= 1;
        // Another thread takes it in time.
        queue.threads > 0 || queue.jobs.pop_back().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn one_job_that_hangs_does_not_hold_the_others() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (hold, held) = channel::<()>();
        let (say, said) = channel();
        assert!(worker.run(Box::new(move || _ = held.recv())));
        for number in 0..100 {
            let say = say.clone();
            assert!(worker.run(Box::new(move || say.send(number).unwrap())));
        }
        for number in 0..100 {
            assert_eq!(said.recv_timeout(LONG), Ok(number));
        }
        assert!(worker.queue.lock().threads <= MOST);
        drop(hold);
    }

    #[test]
    fn a_job_that_hangs_does_not_hold_the_only_other_one() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (hold, held) = channel::<()>();
        let (say, said) = channel();
        let begun = say.clone();
        assert!(worker.run(Box::new(move || {
            begun.send(1).unwrap();
            let _ = held.recv();
        })));
        assert_eq!(said.recv_timeout(LONG), Ok(1));
        assert!(worker.run(Box::new(move || say.send(2).unwrap())));
        assert_eq!(said.recv_timeout(LONG), Ok(2));
        drop(hold);
    }

    #[test]
    fn a_panic_ends_one_job() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (say, said) = channel();
        for number in 0..=2 * MOST {
            let say = say.clone();
            // Dropped after the panic.
            assert!(worker.run(Box::new(move || {
                let _last = Last(say, number);
                panic!("on purpose");
            })));
            assert_eq!(said.recv_timeout(LONG), Ok(number));
        }
    }

    struct Last(std::sync::mpsc::Sender<usize>, usize);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }
}
