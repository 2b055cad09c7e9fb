//! A file to which lines are added, such as audit events.

use crate::dispatch::observer::AuditFile;
use crate::error::Error;
use crate::locks::Mutex;
use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Adds lines to the end of a file. Several processes may add to the same file.
///
/// Before each line, the path is looked at. If another file is there, or none, the file is opened anew. So a program that rotates
/// files may rename it at any time. A server that is not used has no descriptor.
pub(crate) struct AppendedFile {
    path: PathBuf,
    opened: Mutex<Option<Opened>>,
    /// The last line may have no end, because it could not be written completely.
    torn: AtomicBool,
}

struct Opened {
    file: Arc<File>,
    identity: (u64, u64),
}

/// What tells files apart.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl AppendedFile {
    /// Does not open the file. A relative path counts from the present directory, also if that changes later.
    pub(crate) fn new(path: &Path) -> Result<AppendedFile, Error> {
        let path = std::path::absolute(path)
            .map_err(|error| Error::invalid(format!("server: audit: {}: {error}", path.display())))?;
        Ok(AppendedFile { path, opened: Mutex::default(), torn: AtomicBool::new(false) })
    }

    fn open(&self) -> io::Result<File> {
        // A pipe without a reader must not stop the thread; opening it fails. Only the owner may read the file.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(&self.path)
    }

    /// The file at the path.
    fn present(&self) -> io::Result<Arc<File>> {
        let found = std::fs::metadata(&self.path).ok().map(|metadata| identity(&metadata));
        let mut opened = self.opened.lock();
        if let Some(known) = opened.as_ref().filter(|known| Some(known.identity) == found) {
            return Ok(known.file.clone());
        }
        *opened = None;
        let file = Arc::new(self.open()?);
        let identity = identity(&file.metadata()?);
        *opened = Some(Opened { file: file.clone(), identity });
        Ok(file)
    }

    fn write(&self, line: &str) -> io::Result<()> {
        let file = self.present()?;
        let start = if self.torn.swap(false, Ordering::Relaxed) { "\n" } else { "" };
        // One call, so that lines of several threads and processes do not mix.
        (&*file).write_all(format!("{start}{line}\n").as_bytes()).inspect_err(|_| {
            self.torn.store(true, Ordering::Relaxed);
            *self.opened.lock() = None;
        })
    }
}

impl AuditFile for AppendedFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn append(&self, line: &str) -> Result<(), String> {
        self.write(line).map_err(|error| error.to_string())
    }

    fn check(&self) -> Result<(), String> {
        self.open().map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_whole_also_after_the_file_was_renamed_and_after_a_failure() {
        let folder = std::env::temp_dir().join(format!("tenon-appended-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, rotated) = (folder.join("audit"), folder.join("audit.1"));
        let file = AppendedFile::new(&path).unwrap();
        file.append("a").unwrap();
        std::fs::rename(&path, &rotated).unwrap();
        file.append("b").unwrap();
        std::fs::copy(&path, folder.join("copy")).unwrap();
        std::fs::rename(folder.join("copy"), &path).unwrap();
        assert_eq!(std::fs::read_to_string(&rotated).unwrap(), "a\n");
        file.torn.store(true, Ordering::Relaxed);
        file.append("c").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b\n\nc\n");
        std::fs::remove_file(&path).unwrap();
        file.append("anew").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "anew\n");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(file.check().unwrap_err().contains("directory"));
        assert!(file.append("d").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_pipe_without_a_reader_does_not_stop_the_thread() {
        let path = std::env::temp_dir().join(format!("tenon-appended-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let file = AppendedFile::new(&path).unwrap();
        assert!(file.check().is_err() && file.append("a").is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
