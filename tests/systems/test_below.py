"""The programs of the guide that open files below a folder: in no language does an address lead out of it."""

import pytest
from mcp import Client, MCPError, StdioServerParameters
from served import BUILT, EXAMPLES, MODES, ROOT, SECONDS, processes

PROGRAMS = {
    "python": [processes.PYTHON, str(EXAMPLES / "python" / "below" / "server.py")],
    "node": [processes.NODE, str(EXAMPLES / "node" / "below" / "server.mjs")],
    "c": [str(BUILT / "below")],
    "rust": [str(ROOT / "target" / "ci" / "below")],
}
OUTSIDE = [
    "below://../outside.txt",
    "below://%2e%2e/outside.txt",
    "below://..%2Foutside.txt",
    "below://..%5Coutside.txt",
    "below://.%252e/outside.txt",
    "below://sub/../../outside.txt",
    "below://{outside}",
    "below:///{outside}",
    "below://%2F{outside}",
    "below://C:/outside.txt",
    "below://file.txt%00",
    "below://link",
    "below://way/outside.txt",
    "below://sub",
    "below://none",
]


@pytest.mark.anyio
@pytest.mark.parametrize("language", PROGRAMS)
async def test_nothing_outside_of_the_folder_is_read(language, tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "file.txt").write_text("inside")
    (folder / "sub" / "a b.txt").write_text("deeper")
    outside = tmp_path / "outside.txt"
    outside.write_text("outside")
    (tmp_path / "folder2").mkdir()
    (tmp_path / "folder2" / "beside.txt").write_text("beside")
    (folder / "link").symlink_to(outside)
    (folder / "way").symlink_to(tmp_path)
    (folder / "beside").symlink_to(tmp_path / "folder2")
    program, *arguments = PROGRAMS[language]
    server = StdioServerParameters(command=program, args=[*arguments, str(folder)])
    async with Client(server, mode=MODES["legacy"], read_timeout_seconds=SECONDS) as client:

        async def read(uri):
            (contents,) = (await client.read_resource(uri)).contents
            return getattr(contents, "text", None) or contents.blob

        assert await read("below://file.txt") in ("inside", "aW5zaWRl")
        assert await read("below://sub/a%20b.txt") in ("deeper", "ZGVlcGVy")
        for uri in [*OUTSIDE, "below://beside/beside.txt"]:
            with pytest.raises(MCPError, match="Resource not found"):
                await read(uri.replace("{outside}", str(outside)))


@pytest.fixture
def anyio_backend():
    return "asyncio"
