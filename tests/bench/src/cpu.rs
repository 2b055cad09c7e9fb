//! What a process has used of the CPU, and which core it may run on.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPU time of a child of ours and of everything below it: user and kernel time of all threads, ended ones
/// included. The process clock counts nanoseconds; `/proc/<pid>/stat` has the same sum in ticks of 10 ms, more
/// than a whole sample takes on the fastest targets, and serves only for descendants that have already ended.
pub fn tree_time(pid: i32) -> io::Result<Duration> {
    let mut total = process_time(pid)? + reaped_time(pid)?;
    for child in children(pid)? {
        // A grandchild that ends between the two readings moves into its parent's reaped time.
        total += tree_time(child).unwrap_or_default();
    }
    Ok(total)
}

/// Resident memory of a child of ours and of everything below it, in bytes. Not that of `status`, which is a sum of
/// counters per thread that lag behind.
pub fn tree_memory(pid: i32) -> io::Result<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let resident = maps.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
    let resident = resident.and_then(|figure| figure.trim().parse::<u64>().ok());
    let mut total = resident.ok_or_else(|| io::Error::other(format!("unreadable memory of {pid}")))? << 10;
    for child in children(pid)? {
        total += tree_memory(child).unwrap_or_default();
    }
    Ok(total)
}

/// CPU time of this process and of all its children that have ended.
pub fn own_time() -> Duration {
    let mut total = Duration::ZERO;
    for who in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN] {
        // SAFETY: an all-zero rusage is a valid one.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is live and writable for the time of the call.
        if unsafe { libc::getrusage(who, &mut usage) } == 0 {
            for time in [usage.ru_utime, usage.ru_stime] {
                total += Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
            }
        }
    }
    total
}

fn process_time(pid: i32) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: `clock` is a live, writable clockid_t for the time of the call; any pid is allowed.
    let refused = unsafe { libc::clock_getcpuclockid(pid, &mut clock) };
    if refused != 0 {
        return Err(io::Error::from_raw_os_error(refused));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live, writable timespec for the time of the call; a stale clock is answered by an error.
    if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

fn reaped_time(pid: i32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = reaped_ticks(&stat).ok_or_else(|| io::Error::other(format!("unreadable stat of {pid}")))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// `cutime` + `cstime`. The command name may hold spaces and parentheses, so fields count from the last one.
fn reaped_ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?)
}

fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while the list is read.
        let list = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        all.extend(list.split_ascii_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
    Ok(all)
}

/// One core for the server and another for the load client, so that neither's scheduling is part of the figure.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    server: usize,
    client: usize,
}

impl Cores {
    /// The last and the first core this process may use; `None` when there is only one.
    pub fn pick() -> io::Result<Option<Cores>> {
        let allowed = sched_getaffinity(None)?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        Ok(match cores[..] {
            [client, .., server] => Some(Cores { server, client }),
            _ => None,
        })
    }

    /// Runs `spawn` on the server's core, which what it starts inherits, and goes on with the client's.
    pub fn spawning<T>(self, spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        sched_setaffinity(None, &only(self.server))?;
        let spawned = spawn();
        sched_setaffinity(None, &only(self.client))?;
        spawned
    }
}

fn only(core: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(core);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaped_ticks_survive_odd_names() {
        let stat = "42 (a) b) c) S 1 42 42 0 -1 4194304 1 0 0 0 71 5 30 4 20 0 1 0 1 2 3";
        assert_eq!(reaped_ticks(stat), Some(34));
        assert_eq!(reaped_ticks("42 (short) S 1"), None);
    }

    #[test]
    fn a_child_counts_as_part_of_its_parent() {
        let inner = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; read x";
        let mut outer = std::process::Command::new("sh")
            .args(["-c", &format!("sh -c '{inner}'; exit")])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // The line says that the loop is over; both processes stay until their input ends.
        let mut line = [0];
        io::Read::read_exact(outer.stdout.as_mut().unwrap(), &mut line).unwrap();
        let pid = outer.id() as i32;
        let [child] = children(pid).unwrap()[..] else { panic!("one child") };
        let of_child = tree_time(child).unwrap();
        assert!(of_child > Duration::from_micros(500), "{of_child:?}");
        let both = process_time(pid).unwrap() + of_child;
        assert!(tree_time(pid).unwrap() >= both);
        assert!(tree_memory(pid).unwrap() > tree_memory(child).unwrap());
        drop(outer.stdin.take());
        let before = own_time();
        outer.wait().unwrap();
        assert!(own_time() >= before + both, "who has ended counts as ours");
        assert!(tree_time(pid).is_err(), "a process that is gone has no clock");
    }
}
