//! The server half of stdio: takes the standard descriptors, or two other descriptors, and restores the standard ones at the
//! end.

use super::channel::{Channel, RestoreTo};
use super::descriptors::{self, Parent};
use super::relay::Relay;
use super::standard;
use crate::error::{Error, ErrorKind};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::threads::thread::Threads;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};
use rustix::fd::OwnedFd;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use std::sync::Arc;

/// The descriptors on which messages are served as lines.
#[derive(Debug)]
pub(in crate::runtime) enum StdioTransport {
    /// The process's standard input and output.
    Standard,
    /// Two descriptors of the program. Both may refer to the same file.
    Descriptors(OwnedFd, OwnedFd),
}

/// The original descriptors 0, 1 and 2.
struct Standard {
    input: OwnedFd,
    output: Arc<OwnedFd>,
    errors: Option<Relay>,
}

pub(super) fn io(what: &str) -> impl FnOnce(rustix::io::Errno) -> Error {
    let what = what.to_owned();
    move |error| Error::new(ErrorKind::Io, format!("{what}: {error}"))
}

impl ServerTransport for StdioTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Stdio
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            StdioTransport::Standard => standard::check(),
            StdioTransport::Descriptors(..) => Ok(()),
        }
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Descriptors
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let channel = match *self {
            StdioTransport::Standard => {
                let (input, standard) =
                    Standard::take(context.engine.threads(), context.engine.limits().max_stderr_bytes)?;
                // The parent is watched only here, because only standard input comes from the parent.
                match descriptors::wire(input, standard.output.clone(), Parent::watch()) {
                    Ok(wire) => {
                        Channel::start(context, wire, Some(Box::new(|target| standard.give(target))))?
                    }
                    Err(error) => {
                        standard.put_back();
                        return Err(io("pipe")(error));
                    }
                }
            }
            StdioTransport::Descriptors(input, output) => {
                fcntl_setfd(&input, FdFlags::CLOEXEC).map_err(io("input descriptor"))?;
                fcntl_setfd(&output, FdFlags::CLOEXEC).map_err(io("output descriptor"))?;
                let wire = descriptors::wire(input, Arc::new(output), Parent::unwatched());
                Channel::start(context, wire.map_err(io("pipe"))?, None)?
            }
        };
        Ok(Box::new(channel))
    }
}

impl Standard {
    /// Duplicates the standard descriptors, and redirects descriptor 0 to the null device and descriptor 1 to
    /// descriptor 2. So neither a handler nor a program that it starts can read the client's messages or write to the
    /// client.
    fn take(threads: &Threads, max_stderr: usize) -> Result<(OwnedFd, Standard), Error> {
        // The duplicates get numbers above the standard descriptors, so that closing the standard descriptors never
        // closes them.
        let input = fcntl_dupfd_cloexec(std::io::stdin(), 3).map_err(io("standard input"))?;
        let output = Arc::new(fcntl_dupfd_cloexec(std::io::stdout(), 3).map_err(io("standard output"))?);
        let own = fcntl_dupfd_cloexec(&input, 3).map_err(io("standard input"))?;
        let nothing = std::fs::File::open("/dev/null")
            .map_err(|error| Error::new(ErrorKind::Io, format!("/dev/null: {error}")))?;
        let errors = Relay::start(threads, max_stderr)?;
        let standard = Standard { input: own, output, errors };
        let taken = rustix::stdio::dup2_stdin(nothing)
            .map_err(io("standard input"))
            .and_then(|()| rustix::stdio::dup2_stdout(std::io::stderr()).map_err(io("standard output")));
        match taken {
            Ok(()) => Ok((input, standard)),
            Err(error) => {
                standard.put_back();
                Err(error)
            }
        }
    }

    fn give(self, target: RestoreTo) {
        match target {
            RestoreTo::Program => self.put_back(),
            // The output of handlers still goes to standard error, and the client sees the end of its input.
            RestoreTo::Nothing => {
                if let Some(errors) = self.errors {
                    errors.close();
                }
                let _ = rustix::stdio::dup2_stdout(std::io::stderr());
            }
        }
    }

    fn put_back(self) {
        let _ = rustix::stdio::dup2_stdin(&self.input);
        let _ = rustix::stdio::dup2_stdout(&*self.output);
        if let Some(errors) = self.errors {
            errors.close();
        }
    }
}
