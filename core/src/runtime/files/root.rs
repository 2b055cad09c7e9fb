//! Access to a folder and its contents. Symbolic links below the folder are not followed. Each step opens one name
//! relative to the directory that the previous step opened, so files that are moved at the same time cannot redirect
//! the path.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A folder of the program.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

/// The type of a directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A regular file.
    File(Stamp),
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, a device or a pipe.
    Other,
}

/// Identifies the state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    file: (u64, u64),
    /// The time of the last change of the content, and of the last change of anything about the file, in nanoseconds.
    modified: i128,
    changed: i128,
}

impl Stamp {
    #[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
    fn of(stat: &Stat) -> Stamp {
        let time = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Stamp {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            file: (stat.st_dev as u64, stat.st_ino as u64),
            modified: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }

    /// The time when anything about the file last changed, in nanoseconds since 1970.
    pub(crate) fn last(&self) -> i128 {
        self.modified.max(self.changed)
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Root {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Root {
        Root(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens the directory at `path`. An empty path means the folder itself.
    fn directory(&self, path: &[&str]) -> Result<OwnedFd, Errno> {
        let mut directory = rustix::fs::open(&self.0, DIRECTORY, Mode::empty())?;
        for name in path {
            directory = openat(&directory, *name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(directory)
    }

    /// The entries of a directory, sorted by name. Fails if there are more than `most`.
    pub(crate) fn list(&self, path: &str, most: usize) -> Result<Vec<(String, Item)>, String> {
        let text = |error: Errno| error.to_string();
        let directory = self.directory(&steps(path)).map_err(text)?;
        let mut items = Vec::new();
        for entry in Dir::read_from(&directory).map_err(text)? {
            let entry = entry.map_err(text)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if items.len() == most {
                return Err(format!("it has more than {most} names"));
            }
            let stat = match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                // The file was removed during the scan.
                Err(Errno::NOENT) => continue,
                stat => stat.map_err(text)?,
            };
            let name = name.to_str().map_err(|_| format!("the name {name:?} is not UTF-8"))?.to_owned();
            let item = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Item::File(Stamp::of(&stat)),
                FileType::Directory => Item::Directory,
                FileType::Symlink => Item::Link,
                _ => Item::Other,
            };
            items.push((name, item));
        }
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(items)
    }

    /// The bytes of a file, and its state when it was read. `None` if there is no regular file at `path`. Fails if the
    /// file has more than `most` bytes.
    pub(crate) fn read(&self, path: &str, most: u64) -> Result<Option<(Vec<u8>, Stamp)>, String> {
        let steps = steps(path);
        let Some((name, above)) = steps.split_last() else { return Ok(None) };
        let absent =
            |errno| matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::ISDIR);
        // `NONBLOCK`, because opening a pipe would otherwise wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened =
            self.directory(above).and_then(|directory| openat(&directory, *name, flags, Mode::empty()));
        let file = match opened {
            Err(errno) if absent(errno) => return Ok(None),
            opened => opened.map_err(|errno| errno.to_string())?,
        };
        let stat = fstat(&file).map_err(|errno| errno.to_string())?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        let stamp = Stamp::of(&stat);
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.size.min(most)).unwrap_or(0));
        // The limit is checked again, because the file may grow while it is read.
        File::from(file).take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > most {
            return Err(format!("it has more than {most} bytes"));
        }
        Ok(Some((bytes, stamp)))
    }
}

fn steps(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}
