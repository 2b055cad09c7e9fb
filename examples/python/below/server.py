"""Serves the files below a folder and nothing outside of it, also if a link leads there."""

import sys
from pathlib import Path

from tenon_mcp import NotFound, Server

app = Server("below", "1.0.0")
folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()


@app.resource("below://{+path}")
def read(path: str) -> bytes:
    # resolve() follows links, so this is the file that would be opened.
    file = (folder / path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise NotFound
    return file.read_bytes()


app.run()
