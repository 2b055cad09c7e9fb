"""The files of one folder: read, written, searched and watched, and none outside of it."""

import codecs
import mimetypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote

from folder import Denied, Folder
from tenon_mcp import Content, McpError, ResourceContents, Server, SyncContext, ToolError
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

MAX_READ = 1 << 20
FOUND_AT_MOST = 200
LISTED_ON_A_PAGE = 1000
DENIED = "Error: Access denied to path outside base directory"
NOT_FOUND, INVALID_PARAMS = -32002, -32602  # the first is sent as the client's revision has it
Count = Annotated[int, {"minimum": 0, "maximum": (1 << 53) - 1}]
Pattern = Annotated[str, {"minLength": 1, "maxLength": 255}]


def text_of(data: bytes) -> str:
    """Bytes as text, without a character that the end of what is read at a time has cut."""
    return codecs.getincrementaldecoder("utf-8")().decode(data, final=len(data) < MAX_READ)


def make_server(base_path: str = ".") -> Server:
    """A server of the files below this folder."""
    folder = Folder(base_path)
    base = Path(base_path).resolve()
    # The paths of addresses as subscribers spell them.
    spelled: dict[str, str] = {}

    class Tell(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            """Whoever has changed something, on a thread of the watcher's."""
            if event.event_type in ("opened", "closed_no_write"):
                return
            if event.event_type not in ("modified", "closed"):
                app.list_changed("resource")
            for path in filter(None, (event.src_path, event.dest_path)):
                relative = os.path.relpath(os.fsdecode(path), base)
                for uri in {f"file://{quote(relative)}", *(uri for uri, of in list(spelled.items()) if of == relative)}:
                    app.resource_updated(uri)

    @contextmanager
    def lifespan(_app: Server) -> Iterator[None]:
        observer = Observer()
        observer.schedule(Tell(), str(base), recursive=True)
        observer.start()
        yield
        observer.stop()
        observer.join()

    app = Server("resource-server", "1.0.0", lifespan=lifespan)
    app.map_error(Denied, lambda _: ToolError(DENIED))
    app.map_error(OSError, lambda error: ToolError(f"Error: {error.strerror}"))

    @app.tool
    def list_files(path: str = ".") -> str:
        """Name what is in a folder."""
        return "\n".join([f"Contents of {path}:", *folder.names(path)])

    @app.tool
    def create_file(path: str, content: str) -> str:
        """Create a file that does not exist yet."""
        folder.create(path, content.encode())
        return f"File created: {path}"

    @app.tool
    def write_file(path: str, content: str) -> str:
        """Write a file, whether or not it exists."""
        data = content.encode()
        folder.write(path, data)
        return f"Successfully wrote {len(data)} bytes to {path}"

    @app.tool
    def read_file(path: str, offset: Count = 0, length: Count = MAX_READ) -> Content:
        """Read a file or a range of its bytes, at most 1 MiB at a time."""
        data = folder.read(path, offset, min(length, MAX_READ))
        try:
            return Content.text(text_of(data))
        except UnicodeDecodeError:
            mime_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
            return Content.resource(ResourceContents(data, uri=f"file://{quote(path)}", mime_type=mime_type))

    @app.tool
    def append_file(path: str, content: str) -> str:
        """Add to the end of a file."""
        data = content.encode()
        folder.append(path, data)
        return f"Appended {len(data)} bytes to {path}"

    @app.tool
    def move_file(source: str, destination: str) -> str:
        """Move or rename; what exists is not replaced."""
        folder.move(source, destination)
        return f"Moved {source} to {destination}"

    @app.tool(annotations={"destructiveHint": True})
    def delete_file(path: str) -> str:
        """Delete a file, or a folder that is empty."""
        folder.delete(path)
        return f"Deleted {path}"

    @app.tool
    def search_files(pattern: Pattern, path: str = ".") -> str:
        """Find files by their names, such as *.txt, in a folder and all below it."""
        found = folder.search(pattern, path)
        more = [f"... and {len(found) - FOUND_AT_MOST} more"] if len(found) > FOUND_AT_MOST else []
        return "\n".join([*found[:FOUND_AT_MOST], *more]) or "No files found"

    @app.tool(structured=True)
    def get_file_info(path: str) -> dict[str, Any]:
        """Tell size, last change and kind."""
        return folder.info(path)

    def list_resources(cursor: str | None = None) -> dict[str, Any]:
        at = int(cursor or 0)
        page = list(islice(folder.files(), at, at + LISTED_ON_A_PAGE + 1))
        resources = [
            {"uri": f"file://{quote(path)}", "name": path, "mimeType": mimetypes.guess_type(path)[0] or "text/plain"}
            for path in page[:LISTED_ON_A_PAGE]
        ]
        more = {"nextCursor": str(at + LISTED_ON_A_PAGE)} if len(page) > LISTED_ON_A_PAGE else {}
        return {"resources": resources, **more}

    def read_resource(path: str, ctx: SyncContext) -> ResourceContents:
        """A file of the folder."""
        try:
            data = folder.read(path, 0, MAX_READ + 1)
        except FileNotFoundError as error:
            raise McpError(NOT_FOUND, f"Failed to read file: {error.strerror}", {"uri": ctx.uri}) from None
        except Denied:
            raise McpError(INVALID_PARAMS, "Failed to read file: Access denied") from None
        except OSError as error:
            raise McpError(INVALID_PARAMS, f"Failed to read file: {error.strerror}") from None
        if len(data) > MAX_READ:
            raise McpError(INVALID_PARAMS, "Failed to read file: It is larger than 1 MiB; read_file reads parts of it")
        kind = mimetypes.guess_type(path)[0]
        try:
            return ResourceContents(data.decode(), mime_type=kind or "text/plain")
        except UnicodeDecodeError:
            return ResourceContents(data, mime_type=kind or "application/octet-stream")

    # One says the template in the list of templates, the other reads paths of several segments and lists the files.
    app.resource("file://{path}", name="File")(read_resource)
    # The folder itself refuses every path that leads out of it, with an error of its own.
    app.resource_provider("file://{+path}", list=list_resources, read=read_resource, unsafe_paths=True)

    @app.on("subscribe")
    def subscribe(uri: str) -> None:
        spelled[uri] = os.path.normpath(unquote(uri.removeprefix("file://")))

    @app.on("unsubscribe")
    def unsubscribe(uri: str) -> None:
        spelled.pop(uri, None)

    return app


def main(arguments: list[str]) -> None:
    addresses = [each for each in arguments if re.fullmatch(r"(.*:)?\d+(/.*)?", each)]
    folders = [each for each in arguments if each not in addresses]
    app = make_server(folders[0] if folders else os.environ.get("BASE_PATH", "."))
    app.run(http=addresses[0] if addresses else None)


if __name__ == "__main__":
    main(sys.argv[1:])
