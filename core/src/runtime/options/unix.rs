//! The options of a Unix socket.

use super::table::{TransportOptions, file_options};
use super::types::{FileMode, SocketPath};
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
    options: TransportOptions,
}

/// A Unix socket, as a transport.
#[derive(Clone, Debug)]
pub(crate) struct UnixTransport {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
}

impl UnixOptions {
    file_options!();

    fn options_mut(&mut self) -> &mut TransportOptions {
        &mut self.options
    }

    /// Listens on the socket file `path`. Fails if the path is longer than 107 bytes.
    pub fn new(path: impl AsRef<Path>) -> Result<UnixOptions, Error> {
        let path = path.as_ref().to_owned();
        unix::check_path(&path)?;
        let file = Some(SocketPath(path));
        Ok(UnixOptions { options: TransportOptions { file, ..TransportOptions::default() } })
    }

    pub(in crate::runtime) fn into_options(self) -> TransportOptions {
        self.options
    }

    pub(in crate::runtime) fn into_transport(self) -> (TransportOptions, UnixTransport) {
        let path = self.options.file.as_ref().expect("`new` sets it");
        let transport = UnixTransport::new(path, self.options.mode);
        (self.options, transport)
    }
}

impl UnixTransport {
    pub(in crate::runtime) fn new(path: &SocketPath, mode: Option<FileMode>) -> UnixTransport {
        UnixTransport { path: path.0.clone(), mode: mode.map_or(unix::MODE, |mode| mode.0) }
    }
}
