//! A server under test: started, asked where it listens, ended.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::cpu::{self, Cores};

/// How long a server may take to start, to answer or to end before it counts as hung.
pub const WAIT_LIMIT: Duration = Duration::from_secs(15);

/// A running server. Dropping it kills it if it has not ended.
pub struct Server {
    child: Child,
    stderr: File,
}

impl Server {
    /// Starts `command` with piped stdin and stdout (`http: false`) or with `--http 127.0.0.1:0`.
    pub fn start(command: &[String], http: bool, cores: Option<Cores>) -> Result<Server, String> {
        let name = command.join(" ");
        // Never a pipe: nobody reads it while load runs, and a server that logs must not block on it.
        let memory =
            rustix::fs::memfd_create("stderr", rustix::fs::MemfdFlags::CLOEXEC).map_err(io::Error::from);
        let stderr = memory.map(File::from).map_err(|e| format!("no memory file for stderr: {e}"))?;
        let for_child = stderr.try_clone().map_err(|e| format!("stderr: {e}"))?;
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]).stdout(Stdio::piped()).stderr(for_child);
        if http {
            process.args(["--http", "127.0.0.1:0"]).stdin(Stdio::null());
        } else {
            process.stdin(Stdio::piped());
        }
        let child = match cores {
            Some(cores) => cores.spawning(|| process.spawn()),
            None => process.spawn(),
        };
        Ok(Server { child: child.map_err(|e| format!("cannot start {name}: {e}"))?, stderr })
    }

    /// CPU time used so far by the server and its descendants.
    pub fn cpu(&self) -> Result<Duration, String> {
        cpu::tree_time(self.child.id() as i32).map_err(|e| format!("no CPU time of the server: {e}"))
    }

    /// Resident memory of the server and its descendants, in bytes.
    pub fn memory(&self) -> Result<u64, String> {
        cpu::tree_memory(self.child.id() as i32).map_err(|e| format!("no memory of the server: {e}"))
    }

    /// The ends of its pipes, once.
    pub fn pipes(&mut self) -> (ChildStdin, ChildStdout) {
        (self.child.stdin.take().expect("stdin is piped"), self.child.stdout.take().expect("stdout is piped"))
    }

    /// Waits for the line `listening http://ADDRESS/mcp`, or one that says `listening on`, and gives the address.
    pub fn listening(&mut self) -> Result<SocketAddr, String> {
        self.first_line().and_then(|line| address(&line))
    }

    /// Waits for the first line it writes to stdout.
    pub fn first_line(&mut self) -> Result<String, String> {
        let stdout = self.child.stdout.as_mut().expect("stdout is piped");
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            if !readable(&*stdout, WAIT_LIMIT).map_err(|e| format!("poll: {e}"))? {
                return Err("the server says nothing".into());
            }
            let mut byte = [0];
            if io::Read::read(stdout, &mut byte).map_err(|e| format!("stdout: {e}"))? == 0
                || line.len() > 1000
            {
                return Err("the server ended without saying a word".into());
            }
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Closes its input, unless [`Server::pipes`] has handed that out.
    pub fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Ends the server (`terminate`: by SIGTERM; otherwise its stdin has been closed) and checks that it ends well.
    pub fn stop(mut self, terminate: bool) -> Result<(), String> {
        let pid = Pid::from_child(&self.child);
        if terminate {
            kill_process(pid, Signal::TERM).map_err(|e| format!("SIGTERM: {e}"))?;
        }
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|e| format!("pidfd: {e}"))?;
        if !readable(&handle, WAIT_LIMIT).map_err(|e| format!("poll: {e}"))? {
            return Err("the server does not end".into());
        }
        let status = self.child.wait().map_err(|e| format!("wait: {e}"))?;
        if ended_well(status, terminate) { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    /// The last of what it wrote to stderr, for an error text.
    pub fn complaint(&self) -> String {
        let length = self.stderr.metadata().map_or(0, |meta| meta.len());
        let size = length.min(2000);
        let mut tail = vec![0; size as usize];
        match self.stderr.read_exact_at(&mut tail, length - size) {
            Ok(()) => String::from_utf8_lossy(&tail).trim_end().to_owned(),
            Err(_) => String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both are no-ops on a child that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended_well(status: ExitStatus, terminated: bool) -> bool {
    let term = Signal::TERM.as_raw();
    // A program that handles the signal says by convention 128 and its number.
    status.success() || (terminated && (status.signal() == Some(term) || status.code() == Some(128 + term)))
}

fn readable(fd: &impl std::os::fd::AsFd, patience: Duration) -> io::Result<bool> {
    let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout))? > 0)
}

fn address(line: &str) -> Result<SocketAddr, String> {
    let rest = line.trim_end().split_once("listening ").map(|(_, rest)| rest.trim_start_matches("on "));
    let rest = rest.and_then(|rest| rest.strip_prefix("http://")).and_then(|rest| rest.strip_suffix("/mcp"));
    rest.and_then(|address| address.parse().ok())
        .ok_or_else(|| format!("expected `listening http://ADDRESS:PORT/mcp`, got {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script, "sh"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_address_is_read_from_the_first_line() {
        let command = shell("echo listening http://127.0.0.1:4321/mcp; exec sleep 60");
        let mut server = Server::start(&command, true, None).unwrap();
        assert_eq!(server.listening(), Ok(([127, 0, 0, 1], 4321).into()));
        assert_eq!(server.stop(true), Ok(()));
    }

    #[test]
    fn a_server_that_fails_to_start_is_an_error_with_its_words() {
        let mut server = Server::start(&shell("echo no luck >&2; exit 3"), true, None).unwrap();
        assert!(server.listening().unwrap_err().contains("ended without saying a word"));
        assert_eq!(server.complaint(), "no luck");
        assert!(server.stop(false).unwrap_err().contains('3'));
        assert!(address("hello\n").is_err());
        assert!(Server::start(&["./no-such-program".to_owned()], true, None).is_err());
    }

    #[test]
    fn the_end_of_input_ends_a_stdio_server() {
        let mut server = Server::start(&shell("cat >&2"), false, None).unwrap();
        drop(server.pipes());
        assert_eq!(server.stop(false), Ok(()));
    }
}
