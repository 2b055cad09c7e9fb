//! Handles standard descriptors that were closed when the program started.
//!
//! The next file that the program or the engine opens would get the number of a closed descriptor, and would be served
//! or printed to. So the null device is opened in its place, for reading and writing. This access mode distinguishes it
//! from a null device that the user chose. Node and Rust's standard library do the same at their start.

use crate::error::{Error, ErrorKind};
use rustix::fd::{AsRawFd, BorrowedFd, IntoRawFd};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fstat, open, stat};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::stdio::{stderr, stdin, stdout};

const NULL: &str = "/dev/null";

/// Opens the null device in place of each of the descriptors 0, 1 and 2 that is closed. Fails if the null device cannot
/// be opened.
pub fn open_missing() -> Result<(), Errno> {
    let standard = [stdin(), stdout(), stderr()];
    if standard.iter().all(|descriptor| fcntl_getfd(descriptor).is_ok()) {
        return Ok(());
    }
    loop {
        // The system assigns the lowest free number. So a file that another thread opens at the same time is not
        // replaced.
        let nothing = open(NULL, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        if nothing.as_raw_fd() > 2 {
            return Ok(());
        }
        // The descriptor must stay open for the programs that handlers start.
        fcntl_setfd(&nothing, FdFlags::empty())?;
        let _stays = nothing.into_raw_fd();
    }
}

/// Fails if descriptor 0 or 1 was closed when the program started.
pub(super) fn check() -> Result<(), Error> {
    open_missing().map_err(|error| Error::new(ErrorKind::Io, format!("{NULL} cannot be opened: {error}")))?;
    let both = [(stdin(), "0 (standard input)"), (stdout(), "1 (standard output)")];
    for (descriptor, which) in both {
        let why = match is_missing(descriptor) {
            Ok(false) => continue,
            Ok(true) => "is closed".to_owned(),
            Err(error) => format!("cannot be used: {error}"),
        };
        let todo = "start the program with a pipe there, or serve another transport";
        let text = format!("stdio cannot be served: descriptor {which} {why}; {todo}");
        return Err(Error::new(ErrorKind::Io, text));
    }
    Ok(())
}

/// Whether a descriptor was closed when the program started. In that case it is the null device, open for reading and
/// writing. Or it has no file type, such as the queue of an event loop that got the free number.
fn is_missing(descriptor: BorrowedFd<'_>) -> Result<bool, Errno> {
    let found = fstat(descriptor)?;
    Ok(match FileType::from_raw_mode(found.st_mode) {
        FileType::CharacterDevice => {
            let both = fcntl_getfl(descriptor)? & OFlags::RWMODE == OFlags::RDWR;
            both && stat(NULL).is_ok_and(|null| null.st_rdev == found.st_rdev)
        }
        FileType::Unknown => true,
        _ => false,
    })
}
