//! Threads for work that may block. The threads exist only while there is work.

use crate::dispatch::shares::Key;
use crate::host::{Threads, Work};
use crate::locks::Mutex;
use crate::panics::caught;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The maximum number of threads. There are two, so that one job that hangs on a file system does not block the others.
const MAX_THREADS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// Runs the jobs of each client in their order, at most [`MAX_THREADS`] at the same time for all clients. The clients
/// are served in rotation, so a client with many jobs does not delay another client. The job of a cancelled call stays
/// in the queue and does nothing when it runs, so it uses little memory. There are never more jobs than calls in
/// flight.
#[derive(Clone)]
pub(crate) struct Worker {
    queue: Arc<Mutex<Queue>>,
    /// The name of the worker's threads.
    name: &'static str,
    threads: Threads,
}

#[derive(Default)]
struct Queue {
    /// The waiting jobs of each client. All jobs without a share count as those of one client.
    jobs: HashMap<Option<Key>, VecDeque<Job>>,
    /// The same clients, in the order in which they are served next.
    turns: VecDeque<Option<Key>>,
    threads: usize,
}

impl Queue {
    fn push(&mut self, share: Option<Key>, job: Job) {
        let jobs = self.jobs.entry(share).or_default();
        if jobs.is_empty() {
            self.turns.push_back(share);
        }
        jobs.push_back(job);
    }

    fn next(&mut self) -> Option<Job> {
        let share = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&share)?;
        let job = jobs.pop_front();
        match jobs.is_empty() {
            true => drop(self.jobs.remove(&share)),
            false => self.turns.push_back(share),
        }
        job
    }

    /// Removes the last job of a client. Returns `false` if no job waits.
    fn take_back(&mut self, share: Option<Key>) -> bool {
        let Some(jobs) = self.jobs.get_mut(&share) else { return false };
        jobs.pop_back();
        if jobs.is_empty() {
            self.jobs.remove(&share);
            self.turns.retain(|turn| *turn != share);
        }
        true
    }
}

impl Worker {
    /// Creates a worker without jobs. `name` is the name of its threads.
    pub(crate) fn new(name: &'static str, threads: &Threads) -> Worker {
        Worker { queue: Arc::default(), name, threads: threads.clone() }
    }

    /// Runs jobs until no job waits.
    fn drain(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                let Some(job) = queue.next() else {
                    queue.threads -= 1;
                    return;
                };
                job
            };
            // A job handles its own panics. If it does not, the thread must still continue, because a lost thread would
            // still be counted.
            let _ = caught(job);
        }
    }
}

impl Work for Worker {
    fn run(&self, share: Option<Key>, job: Job) -> bool {
        {
            let mut queue = self.queue.lock();
            queue.push(share, job);
            // Another thread is started, because the existing thread may be in a long job.
            if queue.threads == MAX_THREADS {
                return true;
            }
            queue.threads += 1;
        }
        let own = self.clone();
        if crate::runtime::threads::thread::spawn(&self.threads, self.name, move || own.drain()).is_ok() {
            return true;
        }
        let mut queue = self.queue.lock();
        queue.threads -= 1;
        // If another thread runs, that thread will take the job.
        queue.threads > 0 || !queue.take_back(share)
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
        assert!(worker.run(None, Box::new(move || _ = held.recv())));
        for number in 0..100 {
            let say = say.clone();
            assert!(worker.run(None, Box::new(move || say.send(number).unwrap())));
        }
        for number in 0..100 {
            assert_eq!(said.recv_timeout(LONG), Ok(number));
        }
        assert!(worker.queue.lock().threads <= MAX_THREADS);
        drop(hold);
    }

    #[test]
    fn a_job_that_hangs_does_not_hold_the_only_other_one() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (hold, held) = channel::<()>();
        let (say, said) = channel();
        let begun = say.clone();
        assert!(worker.run(
            None,
            Box::new(move || {
                begun.send(1).unwrap();
                let _ = held.recv();
            })
        ));
        assert_eq!(said.recv_timeout(LONG), Ok(1));
        assert!(worker.run(None, Box::new(move || say.send(2).unwrap())));
        assert_eq!(said.recv_timeout(LONG), Ok(2));
        drop(hold);
    }

    #[test]
    fn clients_take_turns() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (say, said) = channel();
        let hold = |share| {
            let (hold, held) = channel::<()>();
            let begun = say.clone();
            assert!(worker.run(
                share,
                Box::new(move || {
                    begun.send("begun").unwrap();
                    let _ = held.recv();
                })
            ));
            assert_eq!(said.recv_timeout(LONG), Ok("begun"));
            hold
        };
        let greedy = Some(Key::V4([127, 0, 0, 1]));
        let (first, second) = (hold(greedy), hold(greedy));
        let queue = |share, name| {
            let say = say.clone();
            assert!(worker.run(share, Box::new(move || say.send(name).unwrap())));
        };
        (0..1_000).for_each(|_| queue(greedy, "greedy"));
        queue(Some(Key::V4([127, 0, 0, 2])), "other");
        queue(None, "local");
        // Only one thread continues, so the jobs run in the order of the queue.
        drop(first);
        let order: Vec<_> = (0..1_002).map(|_| said.recv_timeout(LONG).unwrap()).collect();
        assert_eq!(order[..3], ["greedy", "other", "local"]);
        assert!(order[3..].iter().all(|name| *name == "greedy"));
        assert!(worker.queue.lock().jobs.is_empty());
        drop(second);
    }

    #[test]
    fn a_panic_ends_one_job() {
        let worker = Worker::new("tenon-test", &Threads { stack: 2 << 20, ..Threads::default() });
        let (say, said) = channel();
        for number in 0..=2 * MAX_THREADS {
            let say = say.clone();
            // `Last` is dropped during the panic, and reports the number.
            assert!(worker.run(
                None,
                Box::new(move || {
                    let _last = Last(say, number);
                    panic!("on purpose");
                })
            ));
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
