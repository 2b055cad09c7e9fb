//! The options of a Unix socket.

use crate::error::Error;
use crate::runtime::sockets::unix;
use std::path::{Path, PathBuf};

/// A Unix socket to listen on, by the path of its file.
///
/// An existing socket file on which no process listens is replaced. The start fails if a process listens there, if
/// the file is not a socket, or if the directory does not allow it. When the server ends, the file is removed if it
/// is still the same.
#[derive(Clone, Debug)]
pub struct UnixOptions {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
}

impl UnixOptions {
    /// A path of at most 107 bytes.
    pub fn new(path: impl AsRef<Path>) -> Result<UnixOptions, Error> {
        let path = path.as_ref().to_owned();
        unix::check_path(&path)?;
        Ok(UnixOptions { path, mode: unix::MODE })
    }

    /// The permissions of the file, independent of the process's umask. Users that may write to it may connect.
    /// Default `0o600`: only the user that the server runs as. A start with more than `0o777` fails.
    pub fn mode(mut self, mode: u32) -> UnixOptions {
        self.mode = mode;
        self
    }
}
