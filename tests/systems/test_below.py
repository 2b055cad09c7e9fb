"""The programs of the guide that open files below a folder: in no language does an address lead out of it."""

from base64 import b64decode

import pytest
from example_servers import BUILT, EXAMPLES, MODES, ROOT, SECONDS, processes
from mcp import Client, MCPError, StdioServerParameters

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
    async with client_of(language, folder) as client:
        assert content(await client.read_resource("below://file.txt")) == b"inside"
        assert content(await client.read_resource("below://sub/a%20b.txt")) == b"deeper"
        for uri in [*OUTSIDE, "below://beside/beside.txt"]:
            with pytest.raises(MCPError, match="Resource not found"):
                await client.read_resource(uri.replace("{outside}", str(outside)))


def client_of(language, folder):
    program, *arguments = PROGRAMS[language]
    server = StdioServerParameters(command=program, args=[*arguments, str(folder)])
    return Client(server, mode=MODES["legacy"], read_timeout_seconds=SECONDS)


def content(result):
    (contents,) = result.contents
    text = getattr(contents, "text", None)
    return b64decode(contents.blob) if text is None else text.encode()


@pytest.mark.anyio
@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_long_file_is_read_to_its_end(language, tmp_path):
    # In several blocks of any buffer, and with an end of its own.
    for length in (0, 65_536, 65_537, 1_000_000):
        (tmp_path / f"{length}.txt").write_bytes(b"x" * (length - 1) + b"\n" * (length > 0))
    async with client_of(language, tmp_path) as client:
        for length in (0, 65_536, 65_537, 1_000_000):
            read = content(await client.read_resource(f"below://{length}.txt"))
            assert (len(read), read[-1:]) == (length, b"\n" * (length > 0))


@pytest.mark.anyio
@pytest.mark.parametrize("language", PROGRAMS)
async def test_the_folder_may_be_the_root(language, tmp_path):
    (tmp_path / "file.txt").write_text("inside")
    async with client_of(language, "/") as client:
        assert content(await client.read_resource(f"below://{tmp_path.as_posix().lstrip('/')}/file.txt")) == b"inside"
        with pytest.raises(MCPError, match="Resource not found"):
            await client.read_resource("below://none/file.txt")


@pytest.fixture
def anyio_backend():
    return "asyncio"
