//! The options of a Unix socket.

use crate::error::Error;
use crate::runtime::sockets::unix;
use std::path::{Path, PathBuf};

/// The options of a Unix socket to listen on.
///
/// If the socket's file exists and no process listens on it, the file is replaced. The start fails if a process listens
/// on it, if the file is not a socket, or if the permissions of the directory do not allow it. When the server ends, it
/// removes the file if the file is still its own.
#[derive(Clone, Debug)]
pub struct UnixOptions {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
}

impl UnixOptions {
    /// Listens on the socket file `path`. Fails if the path is longer than 107 bytes.
    pub fn new(path: impl AsRef<Path>) -> Result<UnixOptions, Error> {
        let path = path.as_ref().to_owned();
        unix::check_path(&path)?;
        Ok(UnixOptions { path, mode: unix::MODE })
    }

    /// Sets the permissions of the file, independent of the process's umask. Users that may write to the file may
    /// connect. The default is `0o600`: only the user that the server runs as. The start fails if `mode` is more than
    /// `0o777`.
    pub fn mode(mut self, mode: u32) -> UnixOptions {
        self.mode = mode;
        self
    }
}
