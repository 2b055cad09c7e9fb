"""Node: the files of a folder, as in Python's example, that changes are told, and that no path leads out."""

import asyncio
import fnmatch
import json
import os
import threading
from base64 import b64decode
from datetime import datetime

import pytest
import traversals
from example_servers import SECONDS, connected, converse, refused, said, text
from mcp import MCPError
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated

EXAMPLE = "node/files"
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
        else:
            found[path] = path.read_bytes() if path.is_file() else None
    return found


def test_with_a_client(way, base):
    async def use(client):
        names = ["a.txt", "file-out", "inside", "loop", "out", "p.png", "pipe"]
        assert (await said(client, "list_files")).split("\n") == ["Contents of .:", *names]
        assert await said(client, "list_files", path="inside/deep") == "Contents of inside/deep:\nodd name%.txt"
        assert await refused(client, "list_files", path="nothing") == "Error: no such file or directory"
        assert await refused(client, "list_files", path="") == "Error: The path is empty"
        assert await said(client, "create_file", path="inside/new.txt", content="ü") == "File created: inside/new.txt"
        assert "exists" in await refused(client, "create_file", path="inside/new.txt", content="x")
        added = await said(client, "append_file", path="inside/new.txt", content="b")
        assert added == "Appended 1 bytes to inside/new.txt"
        assert (base / "inside" / "new.txt").read_text() == "üb"
        assert "no such file" in await refused(client, "append_file", path="none", content="x")
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
        for wrong in ({"offset": -1}, {"length": -1}, {"offset": 1.5}, {"length": "all"}):
            assert f"/{next(iter(wrong))}" in await refused(client, "read_file", path="a.txt", **wrong)
        for no_file in ("inside", "pipe", "."):
            assert (await refused(client, "read_file", path=no_file)).startswith("Error: ")
        assert (await refused(client, "write_file", path="pipe", content="x")).startswith("Error: ")

        found = (await said(client, "search_files", pattern="*.t?t")).split("\n")
        assert found == ["a.txt", "inside/deep/odd name%.txt", "inside/new.txt"]
        assert await said(client, "search_files", pattern="*.md", path="inside") == "inside/b.md"
        assert await said(client, "search_files", pattern="*.none") == "No files found"
        assert await said(client, "search_files", pattern="*a*" * 80) == "No files found"
        assert "/pattern" in await refused(client, "search_files", pattern="*" * 1000)
        info = json.loads(await said(client, "get_file_info", path="p.png"))
        assert (info["size"], info["type"]) == (len(BYTES), "file") and datetime.fromisoformat(info["modified"])
        for path, kind in ((".", "directory"), ("out", "symlink"), ("pipe", "other")):
            assert json.loads(await said(client, "get_file_info", path=path))["type"] == kind

        listed = {one.name: str(one.uri) for one in (await client.list_resources()).resources}
        assert sorted(listed) == ["a.txt", "inside/b.md", "inside/deep/odd name%.txt", "inside/new.txt", "p.png"]
        (odd,) = (await client.read_resource(listed["inside/deep/odd name%.txt"])).contents
        assert (odd.text, odd.mime_type) == ("odd", "text/plain")
        for uri in ("file://inside%2Fb.md", "file://inside%2fb.md"):
            (encoded,) = (await client.read_resource(uri)).contents
            assert encoded.text == (base / "inside" / "b.md").read_text()
        (picture,) = (await client.read_resource("file://p.png")).contents
        assert b64decode(picture.blob) == BYTES
        (base / "large.txt").write_text("a" + "ü" * (1 << 19))
        assert await said(client, "read_file", path="large.txt") == "a" + "ü" * ((1 << 19) - 1)
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
                assert (await refused(client, tool, **arguments)).startswith("Error: "), (tool, arguments)
        assert everything(base) == before
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["file://{path}"]
        for uri, reason in (
            ("file://nothing", "Failed to read file: no such file or directory"),
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
        assert raised.value.error.message == "Failed to read file: no such file or directory"
        assert raised.value.error.code == (-32002 if way[1] == "legacy" else -32602)
        assert raised.value.error.data == {"uri": "file://nothing"}

    converse(EXAMPLE, way, use, base)


def test_patterns_are_those_of_python(tmp_path):
    names = "a b c - ! ] [ [] [!] [a ab a] ^ Z ü 🎉 a🎉b x.txt y.TXT".split()
    for name in names:
        (tmp_path / name).write_text("")
    patterns = """
        [ab] [!ab] [a-c] [!a-c] []] [!]] []a] [-a] [a-] [c-a] [ [] [!] [a [a- [[] [[]] [^]
        ? ?? [!a]? *[]] [[]* *.[tT][xX][tT] a?b a*b [🎉ü] [!🎉] * **a a**
    """.split()

    async def use(client):
        for pattern in patterns:
            found = await said(client, "search_files", pattern=pattern)
            wanted = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
            assert sorted(found.split("\n")) == (sorted(wanted) or ["No files found"]), pattern

    converse("node/files", ("stdio", "legacy"), use, str(tmp_path))


def test_changes_on_disk_are_told(base):
    """Whoever makes them: here a program that the server knows nothing of."""
    uri = "file://inside/b.md"

    async def use():
        async with connected(EXAMPLE, ("stdio", "modern"), base) as client:
            async with client.listen(resources_list_changed=True, resource_subscriptions=[uri]) as changes:
                (base / "inside" / "b.md").write_text("changed")
                while await anext(changes) != ResourceUpdated(uri):
                    pass
                (base / "fresh.txt").write_text("new")
                while await anext(changes) != ResourcesListChanged():
                    pass
                assert "fresh.txt" in [one.name for one in (await client.list_resources()).resources]
                (base / "fresh.txt").unlink()
                while await anext(changes) != ResourcesListChanged():
                    pass

    asyncio.run(asyncio.wait_for(use(), SECONDS))


def test_no_path_leads_out(base):
    before = everything(base.parent)

    async def use(client):
        for path in traversals.PATHS:
            calls = [
                ("list_files", {"path": path}),
                ("create_file", {"path": path, "content": "evil"}),
                ("append_file", {"path": path, "content": "evil"}),
                ("write_file", {"path": path, "content": "evil"}),
                ("read_file", {"path": path}),
                ("search_files", {"pattern": "*", "path": path}),
                ("move_file", {"source": "a.txt", "destination": path}),
            ]
            if path not in traversals.LINKS:
                # A link itself may be moved and deleted, which leads nowhere.
                calls.append(("move_file", {"source": path, "destination": "stolen"}))
                calls += [("delete_file", {"path": path}), ("get_file_info", {"path": path})]
            for tool, arguments in calls:
                told = await refused(client, tool, **arguments)
                assert told.startswith("Error: ") and "secret" not in told and "/proc" not in told, (tool, path, told)
            with pytest.raises(Exception, match="(not found|Failed to read file|[Uu][Rr][Ii])"):
                await client.read_resource(f"file://{path}")
        for path in ("x" * 300, "x/" * 3000, "x" * 1_000_000):
            assert (await refused(client, "create_file", path=path, content="x")).startswith("Error: ")

    converse(EXAMPLE, ("stdio", "modern"), use, base)
    assert everything(base.parent) == before


def test_a_link_put_in_place_meanwhile_leads_nowhere(base):
    """A folder takes turns with a link out of the base, as fast as can be, while its files are read and written."""
    outside = base.parent / "outside"
    outside.mkdir()
    (outside / "f.txt").write_text("secret")
    (base / "real").mkdir()
    (base / "real" / "f.txt").write_text("inside")
    (base / "link").symlink_to(outside)
    over = threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        while not over.is_set():
            for name in ("real", "link"):
                os.rename(base / name, base / "spot")
                os.rename(base / "spot", base / name)
                swaps += 1

    async def use(client):
        outcomes = set()
        while swaps < 2000 or len(outcomes) < 2:
            calls = [
                ("read_file", {"path": "spot/f.txt"}),
                ("write_file", {"path": "spot/f.txt", "content": "inside"}),
                ("create_file", {"path": "spot/evil.txt", "content": "evil"}),
                ("delete_file", {"path": "spot/evil.txt"}),
            ]
            results = await asyncio.gather(*(client.call_tool(tool, arguments) for tool, arguments in calls))
            outcomes.add(text(results[0]))
        return outcomes

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        outcomes = converse(EXAMPLE, ("stdio", "modern"), use, base)
    finally:
        over.set()
        thread.join()
    assert outcomes <= {"inside", "", DENIED, "Error: no such file or directory", "Error: not a directory"}, outcomes
    assert everything(outside) == {outside / "f.txt": b"secret"}


def test_bounds(base):
    (base / "big.bin").write_bytes(b"a" * (3 << 20))
    for n in range(250):
        (base / f"n{n:03}.log").touch()
    for n in range(1300):
        (base / "inside" / f"{n}").touch()

    async def use(client):
        assert len(await said(client, "read_file", path="big.bin")) == 1 << 20
        assert len(await said(client, "read_file", path="big.bin", length=1 << 40)) == 1 << 20
        assert len(await said(client, "read_file", path="big.bin", offset=(3 << 20) - 5)) == 5
        lines = (await said(client, "search_files", pattern="*.log")).split("\n")
        assert len(lines) == 201 and lines[-1] == "... and 50 more"
        found, cursor = [], None
        while True:
            page = await client.list_resources(cursor=cursor)
            found += [one.name for one in page.resources]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(found) == len(set(found)) > 1550

    converse(EXAMPLE, ("http", "modern"), use, base)
