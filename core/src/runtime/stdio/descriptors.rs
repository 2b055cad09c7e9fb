//! Reads and writes lines on descriptors: pipes, sockets and terminals.

use super::wire::{Input, Output, Read, Wire};
use crate::runtime::platform::{self, HALF_CLOSED, pipe, process_descriptor, write_now};
use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, writev};
use rustix::process::{Pid, getppid};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// The interval of the checks of the parent, if the system has no descriptor for a process.
const PARENT_POLL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The input of a channel on a descriptor.
pub(super) struct DescriptorInput {
    input: OwnedFd,
    /// Becomes readable when reading must stop.
    stop: OwnedFd,
    parent: Parent,
}

/// The process that started this process. When the parent ends, there is no client left, even if another process still
/// holds the input open.
pub(super) struct Parent {
    watched: bool,
    pid: Option<Pid>,
    descriptor: Option<OwnedFd>,
}

impl Parent {
    pub(super) fn watch() -> Parent {
        let pid = getppid();
        Parent { watched: true, pid, descriptor: pid.and_then(process_descriptor) }
    }

    /// The parent is not watched, because the input's client is not the parent.
    pub(super) fn unwatched() -> Parent {
        Parent { watched: false, pid: None, descriptor: None }
    }

    fn is_gone(&self) -> bool {
        self.watched && getppid() != self.pid
    }

    /// The time until the next check of the parent; `None` if a descriptor reports its end, or if it is not watched.
    fn interval(&self) -> Option<&'static Timespec> {
        (self.watched && self.descriptor.is_none()).then_some(&PARENT_POLL)
    }
}

/// Makes the input and the output of a channel. If `parent` is watched, the input also ends when that process ends.
pub(super) fn wire(
    input: OwnedFd,
    output: Arc<OwnedFd>,
    parent: Parent,
) -> Result<Wire<DescriptorInput, DescriptorOutput>, Errno> {
    let (stop, stopper) = pipe()?;
    let stop_reading = move || {
        // The reader polls the other end of the pipe. If the pipe is full, a byte was written already.
        let _ = rustix::io::write(&stopper, b"x");
    };
    Ok(Wire {
        input: DescriptorInput { input, stop, parent },
        output: DescriptorOutput(output),
        stop: Box::new(stop_reading),
    })
}

impl DescriptorInput {
    /// Waits for input. Returns `false` if reading must stop.
    fn wait(&self) -> bool {
        loop {
            // If there is no descriptor for the parent, the last descriptor is a placeholder.
            let parent = self.parent.descriptor.as_ref().unwrap_or(&self.stop);
            let mut fds = [&self.input, &self.stop, parent].map(|fd| PollFd::new(fd, PollFlags::IN));
            match poll(&mut fds, self.parent.interval()) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            }
            if !fds[1].revents().is_empty() {
                return false;
            }
            // Input that the parent wrote before its end is still served.
            if !fds[0].revents().is_empty() {
                return true;
            }
            if self.parent.is_gone() {
                return false;
            }
        }
    }
}

impl Input for DescriptorInput {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        while self.wait() {
            match rustix::io::read(&self.input, &mut *buffer) {
                Ok(0) => return Read::End,
                Ok(count) => return Read::Bytes(count),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => break,
            }
        }
        Read::Stopped
    }

    /// Reports that a client has disconnected, even if its input is not fully read, or that a parent has ended.
    fn is_client_gone(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.input, HALF_CLOSED)];
        let hung_up = poll(&mut fds, Some(&now)).is_ok()
            && fds[0].revents().intersects(HALF_CLOSED | PollFlags::HUP | PollFlags::ERR);
        hung_up || self.parent.is_gone()
    }
}

/// The output of a channel on a descriptor. The code that restores the descriptor shares it. The writer releases it at
/// its end.
pub(super) struct DescriptorOutput(Arc<OwnedFd>);

impl Output for DescriptorOutput {
    fn write(&mut self, lines: &[Bytes], begun: usize) -> io::Result<()> {
        let mut slices = slices(lines);
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, begun);
        while !rest.is_empty() {
            match writev(&self.0, rest) {
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(Errno::INTR) => {}
                // If another process made the descriptor non-blocking, it still gets whole lines.
                Err(Errno::AGAIN) => wait_writable(&self.0)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn unread(&self) -> Option<usize> {
        platform::unread(&self.0)
    }

    /// Writes what fits without waiting. The writing thread, which may wait, writes the rest.
    fn write_some(&mut self, lines: &[Bytes]) -> io::Result<usize> {
        write_now(&self.0, &slices(lines))
    }
}

fn slices(lines: &[Bytes]) -> Vec<IoSlice<'_>> {
    lines.iter().flat_map(|line| [IoSlice::new(line), IoSlice::new(b"\n")]).collect()
}

fn wait_writable(output: &OwnedFd) -> Result<(), Errno> {
    loop {
        match poll(&mut [PollFd::new(output, PollFlags::OUT)], None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
