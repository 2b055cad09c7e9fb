//! Reads and writes lines on descriptors: pipes, sockets, terminals.

use super::wire::{Input, Output, Read, Wire};
use crate::runtime::platform::{self, HALF_CLOSED, pipe, process_descriptor, write_now};
use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, writev};
use rustix::process::{Pid, getppid};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// How often the parent is checked if the system has no descriptor for it.
const PARENT_POLL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The reading side.
pub(super) struct DescriptorInput {
    input: OwnedFd,
    /// Becomes readable when reading must stop.
    stop: OwnedFd,
    parent: Parent,
}

/// The process that started this one. When it dies there is no client left, even if another process still holds the
/// input open.
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

    /// For an input that does not depend on the parent.
    pub(super) fn unwatched() -> Parent {
        Parent { watched: false, pid: None, descriptor: None }
    }

    fn is_gone(&self) -> bool {
        self.watched && getppid() != self.pid
    }

    /// How long to wait before the next check, if there is no notification.
    fn interval(&self) -> Option<&'static Timespec> {
        (self.watched && self.descriptor.is_none()).then_some(&PARENT_POLL)
    }
}

/// Both sides. With `parent`, they last as long as that process lives.
pub(super) fn wire(
    input: OwnedFd,
    output: Arc<OwnedFd>,
    parent: Parent,
) -> Result<Wire<DescriptorInput, DescriptorOutput>, Errno> {
    let (stop, stopper) = pipe()?;
    let stop_reading = move || {
        // The reader polls the other end. If the pipe is full, it has been written to already.
        let _ = rustix::io::write(&stopper, b"x");
    };
    Ok(Wire {
        input: DescriptorInput { input, stop, parent },
        output: DescriptorOutput(output),
        stop: Box::new(stop_reading),
    })
}

impl DescriptorInput {
    /// Waits for input. Returns `false` when reading must stop.
    fn wait(&self) -> bool {
        loop {
            // The last one is a placeholder if there is no descriptor for the parent.
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
            // Input that the parent wrote before it died is still served.
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

    /// Also if the input is not fully read yet, or if the parent has died.
    fn is_client_gone(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.input, HALF_CLOSED)];
        let hung_up = poll(&mut fds, Some(&now)).is_ok()
            && fds[0].revents().intersects(HALF_CLOSED | PollFlags::HUP | PollFlags::ERR);
        hung_up || self.parent.is_gone()
    }
}

/// The writing side. The code that restores it shares it. It is released when the writer ends.
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
                // If its owner made the descriptor non-blocking, it still gets whole lines.
                Err(Errno::AGAIN) => wait_writable(&self.0)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn unread(&self) -> Option<usize> {
        platform::unread(&self.0)
    }

    /// The thread that may wait writes the rest.
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
