//! Listening sockets that the engine opened itself. The engine closes them for all processes that share them.

use crate::runtime::sockets::io::Accept;
use rustix::fd::AsFd;
use rustix::net::{Shutdown, shutdown};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};
use tenon_crash::{Listening, process};

/// A listening socket that no child process keeps open.
pub(in crate::runtime) struct OwnedListener<A: AsFd> {
    acceptor: A,
    process: u64,
    /// Dropped before the acceptor; see `drop`.
    listening: Option<Listening>,
}

impl<A: AsFd + AsRawFd> OwnedListener<A> {
    pub(in crate::runtime) fn new(acceptor: A) -> OwnedListener<A> {
        let listening = Some(Listening::new(&acceptor));
        OwnedListener { acceptor, process: process(), listening }
    }
}

impl<A: Accept + AsFd> Accept for OwnedListener<A> {
    type Io = A::Io;

    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(A::Io, Option<IpAddr>)>> {
        self.acceptor.poll_accept(task)
    }
}

impl<A: AsFd> Drop for OwnedListener<A> {
    fn drop(&mut self) {
        // Another process may still have a copy of the socket, for example a child that was forked without this
        // library. After the shutdown, the copy no longer listens.
        if self.process == process() {
            let _ = shutdown(&self.acceptor, Shutdown::Both);
        }
        drop(self.listening.take());
    }
}
