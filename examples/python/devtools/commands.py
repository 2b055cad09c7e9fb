"""Commands of a project: words, never a shell; a limit for time and output; and nothing left behind.

A command runs in a process group of its own, which is killed at its end, whatever that is: by itself, by the time-out,
or because the client has cancelled the call. For Linux and macOS.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tenon_mcp import Context, ToolError

SECONDS = float(os.environ.get("COMMAND_SECONDS", "30"))
MOST_BYTES = 64 * 1024
MOST_SHOWN = 200
MOST_LINES = 1000
# For what a command has printed and nobody has read yet when it ends, though its children may print on.
REST_SECONDS = 5
CUT = "\n… (output cut at 64 KiB)"
# What a make that has started this program tells a make below it: nothing that a project's own is to hear.
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKE_TERMOUT", "MAKE_TERMERR"}


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return {**inherited, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "PYTHONUNBUFFERED": "1"}


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str

    def report(self, title: str) -> str:
        errors = f"\nErrors:\n{self.stderr}" if self.stderr else ""
        return f"{title}:\nExit code: {self.code}\nOutput:\n{self.stdout}{errors}"


class Project:
    def __init__(self, root: str) -> None:
        self.root = Path(root).resolve(strict=True)

    def path(self, path: str, *, exists: bool = True) -> str:
        """The path, if it is in the project and no option."""
        if path == "" or "\0" in path or path.startswith("-"):
            raise ToolError(f"Error: {path[:100]!r} is no path")
        try:
            found = (self.root / path).resolve()
            if not found.is_relative_to(self.root):
                raise ToolError("Error: Access denied to path outside project root")
            if exists and not found.exists():
                raise ToolError(f"Error: there is no {path[:100]!r}")
        except (OSError, RuntimeError) as error:
            raise ToolError(f"Error: {path[:100]!r}: {getattr(error, 'strerror', None) or error}") from None
        return path

    def program(self, name: str) -> str | None:
        """Where a program is: among the project's own, beside this interpreter, or on the search path."""
        if os.sep in name:
            found = self.root / name
            return str(found) if found.is_file() and os.access(found, os.X_OK) else None
        own = [str(self.root / "node_modules" / ".bin"), str(Path(sys.executable).parent)]
        return shutil.which(name, path=os.pathsep.join([*own, os.environ.get("PATH", os.defpath)]))

    async def run(self, ctx: Context, words: list[str], failed: str = "Error: ") -> Outcome:
        """Runs a program of this name with these arguments; the lines that it prints are the call's progress."""
        program = self.program(words[0])
        if program is None:
            raise ToolError(f"{failed}{words[0][:100]} is not installed")
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *words[1:],
                cwd=self.root,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ToolError(f"{failed}{getattr(error, 'strerror', None) or error}") from None
        lines = Lines(ctx)
        stdout, stderr = Printed(lines), Printed(lines)
        reading = [
            asyncio.ensure_future(stdout.read(process.stdout)),
            asyncio.ensure_future(stderr.read(process.stderr)),
        ]
        late = ""
        try:
            code = await asyncio.wait_for(ended(process), SECONDS)
        except asyncio.TimeoutError:
            code, late = -1, f"Command timed out after {SECONDS:g} seconds"
        finally:
            # Children that stay hold its output open, so what it has printed is not waited for until they end.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            await ended(process)
            await asyncio.wait(reading, timeout=REST_SECONDS)
            for one in reading:
                one.cancel()
        return Outcome(code, stdout.text(), "\n".join(filter(None, [stderr.text(), late])))


async def ended(process: asyncio.subprocess.Process) -> int:
    """Its exit code. Process.wait() of some Pythons waits for whoever holds its output open as well."""
    while process.returncode is None:
        await asyncio.sleep(0.02)
    return process.returncode


class Lines:
    """The call's progress: a line of what a command prints each, of which the first thousand are told."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._count = 0

    def tell(self, line: bytes) -> None:
        self._count += 1
        if self._count <= MOST_LINES:
            self._ctx.progress(self._count, message=line[:MOST_SHOWN].decode(errors="replace"))


class Printed:
    """What a command prints, told line by line while it runs; as much of it is kept as may be shown."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._kept = bytearray()
        self._cut = False

    def text(self) -> str:
        return self._kept.decode(errors="replace").rstrip("\n") + (CUT if self._cut else "")

    async def read(self, stream: asyncio.StreamReader) -> None:
        line = b""
        while part := await stream.read(8192):
            room = MOST_BYTES - len(self._kept)
            self._kept += part[:room]
            self._cut = self._cut or len(part) > room
            *whole, line = (line + part).split(b"\n")
            line = line[-MOST_SHOWN:]
            for each in whole:
                self._lines.tell(each)
