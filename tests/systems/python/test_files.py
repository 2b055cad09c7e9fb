"""The example `files`: its tools, its resources as they change, and that no path leads out."""

import asyncio
import json
import os
import threading
from base64 import b64decode
from datetime import datetime, timedelta, timezone

import pytest
import traversals
from example_servers import SECONDS, connected, converse, load, refused, said
from mcp import MCPError
from tenon_mcp import McpError
from tenon_mcp.testing import Client

DENIED = "Error: Access denied to path outside base directory"
BYTES = b"\x89PNG\0\xff"


@pytest.fixture
def base(tmp_path):
    """A folder with links out of it, beside what must stay as it is."""
    (tmp_path / "secret.txt").write_text("secret")
    base = tmp_path / "base"
    (base / "inside" / "deep").mkdir(parents=True)
    (base / "a.txt").write_text("grüße\n")
    (base / "inside" / "b.md").write_text("# B")
    (base / "inside" / "deep" / "odd name%.txt").write_text("odd")
    (base / "p.png").write_bytes(BYTES)
    (base / "out").symlink_to(tmp_path)
    (base / "inside" / "out").symlink_to("../..")
    (base / "file-out").symlink_to("../secret.txt")
    (base / "loop").symlink_to("loop")
    os.mkfifo(base / "pipe")
    return base


def everything(folder):
    """All there is below a folder, links as links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[path] = os.readlink(path)
        elif path.is_file():
            found[path] = path.read_bytes()
        else:
            found[path] = None
    return found


def test_with_a_client(every_way, base):
    async def use(client):
        names = ["a.txt", "file-out", "inside", "loop", "out", "p.png", "pipe"]
        assert (await said(client, "list_files")).splitlines() == ["Contents of .:", *names]
        assert (await said(client, "list_files", path="inside/deep")) == "Contents of inside/deep:\nodd name%.txt"
        assert (await refused(client, "list_files", path="nothing")).startswith("Error: ")
        assert (await refused(client, "list_files", path="")).startswith("Error: ")
        assert await refused(client, "read_file", path="../secret.txt") == DENIED

        assert await said(client, "create_file", path="inside/new.txt", content="ü") == "File created: inside/new.txt"
        assert (await refused(client, "create_file", path="inside/new.txt", content="x")) == "Error: File exists"
        added = await said(client, "append_file", path="inside/new.txt", content="b")
        assert added == "Appended 1 bytes to inside/new.txt"
        assert (base / "inside" / "new.txt").read_text() == "üb"
        assert (await refused(client, "append_file", path="none", content="x")).startswith("Error: No such file")
        assert await said(client, "write_file", path="w", content="ü" * 3) == "Successfully wrote 6 bytes to w"
        assert await said(client, "write_file", path="w", content="") == "Successfully wrote 0 bytes to w"
        assert (base / "w").read_bytes() == b""
        assert await said(client, "move_file", source="w", destination="inside/w") == "Moved w to inside/w"
        assert not (base / "w").exists() and (base / "inside" / "w").exists()
        assert "exists" in await refused(client, "move_file", source="inside/w", destination="a.txt")
        assert "exists" in await refused(client, "move_file", source="inside/deep", destination="inside/out")
        assert await said(client, "move_file", source="inside/deep", destination="deep") == "Moved inside/deep to deep"
        assert await said(client, "move_file", source="deep", destination="inside/deep")
        assert await said(client, "delete_file", path="inside/w") == "Deleted inside/w"
        assert "not empty" in await refused(client, "delete_file", path="inside")
        assert (await refused(client, "delete_file", path=".")).startswith("Error: ")

        assert await said(client, "read_file", path="a.txt") == "grüße\n"
        assert await said(client, "read_file", path="a.txt", offset=0, length=2) == "gr"
        assert await said(client, "read_file", path="a.txt", offset=100) == ""
        half = (await client.call_tool("read_file", {"path": "a.txt", "offset": 2, "length": 1})).content[0]
        assert half.type == "resource" and b64decode(half.resource.blob) == "ü".encode()[:1]
        picture = (await client.call_tool("read_file", {"path": "p.png"})).content[0]
        assert b64decode(picture.resource.blob) == BYTES and picture.resource.mime_type == "image/png"
        assert await said(client, "read_file", path="a.txt", offset=2**53 - 1, length=2**53 - 1) == ""
        for wrong in ({"offset": -1}, {"length": -1}, {"offset": 1.5}, {"offset": 2**63}, {"length": 10**20}):
            assert f"/{next(iter(wrong))}" in await refused(client, "read_file", path="a.txt", **wrong)
        for no_file in ("inside", "pipe", "."):
            assert (await refused(client, "read_file", path=no_file)).startswith("Error: ")
        assert (await refused(client, "write_file", path="pipe", content="x")).startswith("Error: ")

        found = (await said(client, "search_files", pattern="*.txt")).splitlines()
        assert found == ["a.txt", "inside/new.txt", "inside/deep/odd name%.txt"]
        assert await said(client, "search_files", pattern="*.md", path="inside") == "inside/b.md"
        assert await said(client, "search_files", pattern="*.none") == "No files found"
        info = json.loads(await said(client, "get_file_info", path="p.png"))
        assert info["size"] == len(BYTES) and info["type"] == "file"
        assert abs(datetime.now(timezone.utc) - datetime.fromisoformat(info["modified"])) < timedelta(hours=1)
        for path, kind in ((".", "directory"), ("out", "symlink"), ("pipe", "other")):
            assert json.loads(await said(client, "get_file_info", path=path))["type"] == kind

        listed = {one.name: str(one.uri) for one in (await client.list_resources()).resources}
        assert sorted(listed) == ["a.txt", "inside/b.md", "inside/deep/odd name%.txt", "inside/new.txt", "p.png"]
        (odd,) = (await client.read_resource(listed["inside/deep/odd name%.txt"])).contents
        assert odd.text == "odd" and odd.mime_type == "text/plain"
        for uri in ("file://inside%2Fb.md", "file://inside%2fb.md"):
            (encoded,) = (await client.read_resource(uri)).contents
            assert encoded.text == (base / "inside" / "b.md").read_text()
        (picture,) = (await client.read_resource("file://p.png")).contents
        assert b64decode(picture.blob) == BYTES
        (base / "large.txt").write_text("a" + "ü" * (1 << 19))
        assert await said(client, "read_file", path="large.txt") == "a" + "ü" * ((1 << 19) - 1)
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["file://{path}"]
        for uri, reason in (
            ("file://nothing", "Failed to read file: No such file or directory"),
            ("file://large.txt", "Failed to read file: It is larger than 1 MiB"),
            ("file://out/secret.txt", "Failed to read file: Access denied"),
            ("file:///etc/passwd", "Failed to read file: Access denied"),
            ("file://inside", "Failed to read file: "),
            ("file://..%2Fsecret.txt", "not found"),
            ("file://inside%2F..%2F..%2Fsecret.txt", "not found"),
            ("file://inside%252Fb.md", "Failed to read file: Access denied"),
            ("file://%2Fetc%2Fpasswd", "Failed to read file: Access denied"),
            ("file://out%2Fsecret.txt", "Failed to read file: Access denied"),
        ):
            with pytest.raises(MCPError, match=reason):
                await client.read_resource(uri)
        with pytest.raises(MCPError) as raised:
            await client.read_resource("file://nothing")
        assert raised.value.error.message == "Failed to read file: No such file or directory"
        assert raised.value.error.code == (-32002 if every_way[1] == "legacy" else -32602)
        assert raised.value.error.data == {"uri": "file://nothing"}

    converse("python/files", every_way, use, str(base))


def test_changes_on_disk_are_told(base):
    """Whoever makes them: here a program that the server knows nothing of."""

    async def use():
        told = asyncio.Queue()

        async def hear(message):
            told.put_nowait(message)

        async def until(kind, uri=None):
            while True:
                message = await told.get()
                method = getattr(message, "method", None) or getattr(getattr(message, "root", None), "method", "")
                if method == kind and (uri is None or str(message.params.uri) == uri):
                    return

        async with connected("python/files", ("stdio", "legacy"), base, message_handler=hear) as client:
            await client.subscribe_resource("file://inside/b.md")
            # Calls wait for what the server starts with, which is the watcher.
            await said(client, "list_files")
            (base / "inside" / "b.md").write_text("changed")
            await until("notifications/resources/updated", "file://inside/b.md")
            (base / "fresh.txt").write_text("new")
            await until("notifications/resources/list_changed")
            assert "fresh.txt" in [one.name for one in (await client.list_resources()).resources]
            (base / "fresh.txt").unlink()
            await until("notifications/resources/list_changed")

    asyncio.run(asyncio.wait_for(use(), SECONDS))


@pytest.fixture
def client(base):
    with Client(load("python/files").make_server(str(base))) as client:
        yield client


def call(client, tool, **arguments):
    return client.call_tool(tool, arguments, raise_on_error=False)


def test_no_path_leads_out(client, base):
    before = everything(base.parent)
    for path in traversals.PATHS:
        for tool, arguments in (
            ("list_files", {"path": path}),
            ("create_file", {"path": path, "content": "evil"}),
            ("append_file", {"path": path, "content": "evil"}),
            ("read_file", {"path": path}),
            ("search_files", {"pattern": "*", "path": path}),
            ("move_file", {"source": path, "destination": "stolen"}),
            ("move_file", {"source": "a.txt", "destination": path}),
            ("write_file", {"path": path, "content": "evil"}),
        ):
            if path in traversals.LINKS and tool == "move_file" and arguments["source"] == path:
                continue  # a link may be moved, which leads nowhere
            result = call(client, tool, **arguments)
            assert result.is_error and result.text.startswith("Error: "), (tool, arguments, result.text)
            assert "root:" not in result.text and "secret" not in result.text
        if path not in traversals.LINKS:
            assert call(client, "delete_file", path=path).is_error, path
            assert call(client, "get_file_info", path=path).is_error, path
        with pytest.raises(Exception, match="(not found|Failed to read file|[Uu][Rr][Ii])"):
            client.read_resource(f"file://{path}")
    assert everything(base.parent) == before


def test_a_file_is_not_taken_for_a_folder(client, base):
    before = everything(base)
    for path in ("a.txt/", "a.txt/.", "inside/b.md//", "new/"):
        for tool, arguments in (
            ("create_file", {"path": path, "content": "x"}),
            ("write_file", {"path": path, "content": "x"}),
            ("append_file", {"path": path, "content": "x"}),
            ("read_file", {"path": path}),
            ("delete_file", {"path": path}),
            ("move_file", {"source": path, "destination": "moved"}),
            ("move_file", {"source": "p.png", "destination": path}),
        ):
            assert call(client, tool, **arguments).text.startswith("Error: "), (tool, arguments)
    assert everything(base) == before
    assert not call(client, "move_file", source="inside/deep/", destination="deep/").is_error


def test_a_link_itself_may_be_moved_and_deleted(client, base):
    assert not call(client, "move_file", source="file-out", destination="moved").is_error
    assert not call(client, "delete_file", path="moved").is_error
    assert not call(client, "delete_file", path="out").is_error
    assert (base.parent / "secret.txt").read_text() == "secret"


def test_a_link_put_in_place_meanwhile_leads_nowhere(client, base):
    """A folder takes turns with a link out of the base, as fast as can be, while its files are read and written."""
    (base.parent / "outside").mkdir()
    (base.parent / "outside" / "f.txt").write_text("secret")
    (base / "real").mkdir()
    (base / "real" / "f.txt").write_text("inside")
    (base / "link").symlink_to(base.parent / "outside")
    over = threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        while not over.is_set():
            for name in ("real", "link"):
                os.rename(base / name, base / "spot")
                os.rename(base / "spot", base / name)
                swaps += 1

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    try:
        while swaps < 2000 or len(outcomes) < 2:
            result = call(client, "read_file", path="spot/f.txt")
            outcomes.add(result.text)
            call(client, "write_file", path="spot/f.txt", content="inside")
            call(client, "create_file", path="spot/evil.txt", content="evil")
            call(client, "delete_file", path="spot/evil.txt")
    finally:
        over.set()
        thread.join()
    # What is there at that moment; never the file outside.
    others = {"Error: No such file or directory", "Error: Not a directory"}
    assert outcomes <= {"inside", "", DENIED, *others}, outcomes
    assert everything(base.parent / "outside") == {base.parent / "outside" / "f.txt": b"secret"}


def test_bounds(client, base):
    (base / "big.bin").write_bytes(b"a" * (3 << 20))
    assert len(call(client, "read_file", path="big.bin").text) == 1 << 20
    assert len(call(client, "read_file", path="big.bin", length=1 << 40).text) == 1 << 20
    assert len(call(client, "read_file", path="big.bin", offset=(3 << 20) - 5).text) == 5
    for n in range(250):
        (base / f"n{n:03}.log").touch()
    lines = call(client, "search_files", pattern="*.log").text.splitlines()
    assert len(lines) == 201 and lines[-1] == "... and 50 more"
    for path in ("x" * 300, "x/" * 3000, "x" * 1_000_000):
        assert call(client, "create_file", path=path, content="x").text.startswith("Error: ")
    assert call(client, "search_files", pattern="*" * 1000).is_error
    before = everything(base)
    with pytest.raises(McpError):
        client.call_tool("write_file", {"path": "huge", "content": "x" * (5 << 20)})
    assert everything(base) == before
    for n in range(1, 1300):
        (base / "inside" / f"{n}").touch()
    found, cursor = [], None
    while True:
        page = client.request("resources/list", {"cursor": cursor} if cursor else {})
        found += [one["name"] for one in page["resources"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert len(found) == len(set(found)) > 1299


def test_what_is_larger_than_a_message_is_refused(base):
    before = everything(base)

    async def use(client):
        with pytest.raises(Exception):  # noqa: B017 - how a client says that it was refused is its own affair
            await client.call_tool("write_file", {"path": "huge", "content": "x" * (5 << 20)})
        assert everything(base) == before

    converse("python/files", ("http", "modern"), use, str(base))


def test_as_the_tests_of_its_readers(client):
    assert "Contents of" in call(client, "list_files", path=".").text
    assert "Error" in call(client, "list_files", path="nothing").text
    assert call(client, "write_file", path="test.txt", content="x").text.startswith("Successfully wrote")
    for path in ("../../../etc/passwd", ""):
        assert "error" in call(client, "read_file", path=path).text.lower()
