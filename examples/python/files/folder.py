"""A folder and what is in it: no path leads out of it, whatever it says and whoever moves things meanwhile.

A path is walked segment by segment, each opened in the one before and never through a symbolic link, so there is no
moment between looking at a path and using it. For Linux and macOS.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

# What a path may not hold even when it is decoded, once or several times: dots, slashes, backslashes, NUL.
ENCODED = re.compile(r"%(25)*(2e|2f|5c|00)", re.IGNORECASE)
MAX_PATH = 4096
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without waiting: the other end of a named pipe may never come.
FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Denied(Exception):
    """The path leads out of the folder, or says so."""


def segments(path: str) -> list[str]:
    """A path taken apart; none for the folder itself."""
    if not path:
        raise OSError(errno.EINVAL, "The path is empty")
    if len(path) > MAX_PATH:
        raise OSError(errno.ENAMETOOLONG, "The path is too long")
    if path.startswith("/") or "\\" in path or "\0" in path or ENCODED.search(path):
        raise Denied
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if any(part.strip(". ") == "" for part in parts):
        raise Denied
    return parts


def no_folder(path: str) -> None:
    """Refuses to take `a/` or `a/.` for the file `a`."""
    if path.rpartition("/")[2] in ("", "."):
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


class Folder:
    def __init__(self, base: str) -> None:
        self._base = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._base)

    def names(self, path: str) -> list[str]:
        with self._folder(segments(path)) as folder, os.scandir(folder) as entries:
            return sorted(_shown(entry.name) for entry in entries)

    def files(self, path: str = ".") -> Iterator[str]:
        """The paths of all files below one, relative to this folder."""
        parts = segments(path)
        with self._folder(parts) as start:
            for below, folders, names, descriptor in os.fwalk(".", dir_fd=start, follow_symlinks=False):
                folders.sort()
                within = [*parts, *(part for part in below.split("/") if part != ".")]
                for name in sorted(names):
                    try:
                        mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
                    except OSError:
                        continue
                    if stat.S_ISREG(mode):
                        yield _shown("/".join([*within, name]))

    def search(self, pattern: str, path: str) -> list[str]:
        return [found for found in self.files(path) if fnmatch.fnmatchcase(found.rpartition("/")[2], pattern)]

    def read(self, path: str, offset: int, length: int) -> bytes:
        with self._file(path, os.O_RDONLY) as file:
            parts = []
            while length > 0 and (part := os.pread(file, length, offset)):
                parts.append(part)
                offset, length = offset + len(part), length - len(part)
            return b"".join(parts)

    def create(self, path: str, data: bytes) -> None:
        with self._file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            _write(file, data)

    def write(self, path: str, data: bytes) -> None:
        with self._file(path, os.O_WRONLY | os.O_CREAT) as file:
            # Not before it is known to be a file.
            os.ftruncate(file, 0)
            _write(file, data)

    def append(self, path: str, data: bytes) -> None:
        with self._file(path, os.O_WRONLY | os.O_APPEND) as file:
            _write(file, data)

    def move(self, source: str, destination: str) -> None:
        with self._parent(source) as (old, name), self._parent(destination) as (new, wanted):
            if stat.S_ISDIR(os.stat(name, dir_fd=old, follow_symlinks=False).st_mode):
                # An empty folder may be replaced, so that there is no moment in which somebody else's could be.
                os.mkdir(wanted, dir_fd=new)
                try:
                    os.rename(name, wanted, src_dir_fd=old, dst_dir_fd=new)
                except OSError:
                    os.rmdir(wanted, dir_fd=new)
                    raise
            else:
                no_folder(source)
                no_folder(destination)
                # Unlike a renamed file a link replaces nothing.
                os.link(name, wanted, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)
                os.unlink(name, dir_fd=old)

    def delete(self, path: str) -> None:
        with self._parent(path) as (folder, name):
            is_folder = stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
            if not is_folder:
                no_folder(path)
            (os.rmdir if is_folder else os.unlink)(name, dir_fd=folder)

    def info(self, path: str) -> dict[str, Any]:
        parts = segments(path)
        with self._folder(parts[:-1]) as folder:
            found = os.stat(parts[-1] if parts else ".", dir_fd=folder, follow_symlinks=False)
        kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}
        modified = datetime.fromtimestamp(found.st_mtime, timezone.utc).isoformat()
        return {"size": found.st_size, "modified": modified, "type": kinds.get(stat.S_IFMT(found.st_mode), "other")}

    @contextmanager
    def _folder(self, parts: list[str]) -> Iterator[int]:
        at = os.dup(self._base)
        try:
            for part in parts:
                below = self._open(part, FOLDER, at)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that something is in, and its name there."""
        parts = segments(path)
        if not parts:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        with self._folder(parts[:-1]) as folder:
            yield folder, parts[-1]

    @contextmanager
    def _file(self, path: str, how: int) -> Iterator[int]:
        with self._parent(path) as (folder, name):
            no_folder(path)
            file = self._open(name, how | FILE, folder)
            try:
                mode = os.fstat(file).st_mode
                if not stat.S_ISREG(mode):
                    raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, "It is no file")
                yield file
            finally:
                os.close(file)

    def _open(self, name: str, how: int, folder: int) -> int:
        try:
            return os.open(name, how, 0o666, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(name, folder):
                raise Denied from None
            raise


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        # It has just gone, or is another thing now; it was a link.
        return True


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _shown(name: str) -> str:
    """A name as text, also where its bytes are none."""
    return os.fsencode(name).decode(errors="replace")
