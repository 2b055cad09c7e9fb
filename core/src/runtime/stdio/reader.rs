//! The reading thread: bytes to lines to messages; it ends with the input, with the parent, or when told.

use super::writer::Writer;
use crate::host::{Engine, Peer, Sink};
use crate::proto::error::RpcError;
use crate::proto::line::{Frame, LineFramer};
use crate::proto::message::Malformed;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, getppid};
use std::sync::Arc;

const READ_BYTES: usize = 64 << 10;
/// How often the parent is looked for where the system has no descriptor for it.
const PARENT_POLL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

pub(super) struct Reader {
    pub(super) engine: Engine,
    pub(super) peer: Arc<Peer>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) writer: Arc<Writer>,
    pub(super) input: OwnedFd,
    /// Becomes readable when reading should end.
    pub(super) stop: OwnedFd,
    pub(super) parent: Parent,
}

/// The process that started this one. When it dies nobody is left to serve, even if some other process still holds
/// the input open.
pub(super) struct Parent {
    watched: bool,
    pid: Option<Pid>,
    descriptor: Option<OwnedFd>,
}

impl Parent {
    pub(super) fn watch() -> Parent {
        let pid = getppid();
        Parent { watched: true, pid, descriptor: pid.and_then(descriptor_of) }
    }

    /// For an input that has nothing to do with the parent.
    pub(super) fn unwatched() -> Parent {
        Parent { watched: false, pid: None, descriptor: None }
    }

    fn is_gone(&self) -> bool {
        self.watched && getppid() != self.pid
    }

    /// How long to wait before looking again, where nothing tells.
    fn interval(&self) -> Option<&'static Timespec> {
        (self.watched && self.descriptor.is_none()).then_some(&PARENT_POLL)
    }
}

#[cfg(target_os = "linux")]
fn descriptor_of(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn descriptor_of(_: Pid) -> Option<OwnedFd> {
    None
}

impl Reader {
    /// Reads until the end.
    pub(super) fn run(&self) {
        let mut framer = LineFramer::new(self.engine.limits().max_message_bytes);
        let mut buffer = vec![0; READ_BYTES];
        while self.wait() {
            match rustix::io::read(&self.input, &mut buffer[..]) {
                Ok(0) => {
                    if let Some(frame) = framer.finish() {
                        self.take(frame);
                    }
                    return;
                }
                Ok(count) => {
                    framer.feed(&buffer[..count]);
                    while let Some(frame) = framer.next() {
                        self.take(frame);
                    }
                    self.writer.wait_for_room();
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }

    /// Waits for input; `false` when reading should end.
    fn wait(&self) -> bool {
        loop {
            let mut fds =
                vec![PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
            if let Some(parent) = &self.parent.descriptor {
                fds.push(PollFd::new(parent, PollFlags::IN));
            }
            match poll(&mut fds, self.parent.interval()) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            }
            if !fds[1].revents().is_empty() {
                return false;
            }
            // What the parent wrote before it died is still served.
            if !fds[0].revents().is_empty() {
                return true;
            }
            if self.parent.is_gone() {
                return false;
            }
        }
    }

    fn take(&self, frame: Frame) {
        match frame {
            Frame::Line(line) => self.engine.receive(&self.peer, &self.sink, line),
            Frame::TooLong { .. } => {
                let limit = self.engine.limits().max_message_bytes;
                let error =
                    RpcError::invalid_request(format!("Message too large: the limit is {limit} bytes"));
                self.engine.refuse(&self.peer, &self.sink, &Malformed { id: None, error, answer: true });
            }
        }
    }
}
