"""The projects to copy: copied, built and installed as their readers do it, and called from outside."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from example_servers import EXAMPLES, MODES, ROOT, SECONDS, START_SECONDS, refused, text
from mcp import Client, MCPError, StdioServerParameters

INITIALIZE = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
LEFT_OUT = shutil.ignore_patterns("dist", "node_modules", "__pycache__", ".*_cache")


def run(*command, cwd, env=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The project in Python, copied and installed: its folder, its command, and what finds it."""
    folder = tmp_path_factory.mktemp("python") / "project"
    shutil.copytree(EXAMPLES / "python" / "packaged", folder, ignore=LEFT_OUT)
    site = folder.parent / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index"]
    # What it depends on is here already, also what builds it.
    run(*pip, "--no-deps", "--no-build-isolation", "--target", site, folder, cwd=folder)
    return folder, [str(site / "bin" / "my-mcp-server")], {"PYTHONPATH": str(site)}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """The project in TypeScript, copied, with its dependencies, and compiled."""
    folder = tmp_path_factory.mktemp("node") / "project"
    shutil.copytree(EXAMPLES / "node" / "packaged", folder, ignore=LEFT_OUT)
    modules = folder / "node_modules"
    (modules / "@types").mkdir(parents=True)
    (modules / ".bin").mkdir()
    bindings = ROOT / "bindings-node"
    (modules / "tenon-mcp").symlink_to(bindings)
    (modules / "zod").symlink_to(ROOT / "tests" / "node_modules" / "zod")
    for name in ("typescript", "@types/node"):
        (modules / name).symlink_to(bindings / "node_modules" / name)
    (modules / ".bin" / "tsc").symlink_to(modules / "typescript" / "bin" / "tsc")
    run("npm", "run", "--silent", "build", cwd=folder)
    return folder, ["node", str(folder / "dist" / "index.js")], {}


@pytest.fixture(params=["python", "node"])
def installed(request):
    return request.getfixturevalue(request.param)


def test_its_own_tests_pass_and_it_is_tidy(python):
    folder, _, env = python
    said = run(sys.executable, "-m", "pytest", "-q", cwd=folder, env=env)
    assert " passed" in said and "failed" not in said and "skipped" not in said
    run(sys.executable, "-m", "ruff", "check", "--no-cache", cwd=folder)
    run(sys.executable, "-m", "black", "--check", "-q", ".", cwd=folder)


def test_its_own_tests_pass_in_node(node):
    folder, _, _ = node
    strict = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--skipLibCheck", "--types", "node"]
    tests = sorted((folder / "tests").glob("*.js"))
    run("node_modules/.bin/tsc", "--ignoreConfig", *strict, "--module", "nodenext", *tests, cwd=folder)
    said = run("npm", "test", "--silent", cwd=folder)
    assert "fail 0" in said and "pass 0" not in said
    packed = json.loads(run("npm", "pack", "--dry-run", "--json", "--silent", cwd=folder))[0]
    names = {each["path"] for each in packed["files"]}
    assert {"dist/index.js", "dist/server.js", "dist/index.d.ts", "package.json", "README.md"} <= names
    assert not any(name.startswith(("src/", "tests/", "node_modules/")) for name in names)
    assert (folder / "dist" / "index.js").read_text().startswith("#!/usr/bin/env node")


@pytest.mark.parametrize("era", MODES)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_with_a_client(installed, transport, era):
    folder, command, env = installed

    async def use(client):
        assert (client.server_info.name, client.server_info.version) == ("my-mcp-server", "1.0.0")
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {name: tool.description for name, tool in tools.items()} == {
            name: f"Tool for {name.replace('_', ' ')}" for name in ("create_user", "update_user", "delete_user")
        }
        listed = (await client.list_resources()).resources
        assert [(str(one.uri), one.name, one.description, one.mime_type) for one in listed] == [
            (f"custom://data/{of}", f"{of.title()} Data", f"Access to {of} information", "application/json")
            for of in ("users", "products", "orders")
        ]

        async def users():
            found = json.loads((await client.read_resource("custom://data/users")).contents[0].text)
            assert found["total"] == len(found["users"])
            return found["users"]

        assert await users() == [
            {"id": 1, "name": "Alice", "email": "alice@example.com"},
            {"id": 2, "name": "Bob", "email": "bob@example.com"},
        ]
        made = await client.call_tool("create_user", {"name": "Cleo", "email": "cleo@example.com", "role": "admin"})
        assert text(made) == "Created user: Cleo"
        cleo = {"id": 3, "name": "Cleo", "email": "cleo@example.com", "role": "admin"}
        assert made.structured_content == {**cleo, "status": "created"} and (await users())[-1] == cleo
        changed = await client.call_tool("update_user", {"user_id": 3, "email": "c@example.org"})
        assert changed.structured_content == {"id": 3, "updated_fields": ["email"], "status": "updated"}
        for tool, arguments, reason in (
            ("create_user", {"name": "x", "email": "no"}, "email"),
            ("create_user", {"name": "x", "email": "x@example.com", "role": "root"}, "role"),
            ("create_user", {"name": "x" * 100_000, "email": "x@example.com"}, "name"),
            ("update_user", {"user_id": 9}, "Error: there is no user 9"),
            ("delete_user", {"user_id": "one"}, "user_id"),
        ):
            assert reason in await refused(client, tool, **arguments)
        gone = await client.call_tool("delete_user", {"user_id": 3})
        assert gone.structured_content == {"id": 3, "status": "deleted"} and len(await users()) == 2
        (prompt,) = (await client.list_prompts()).prompts
        assert (prompt.name, prompt.description) == ("analyze_data", "Data analysis prompt")
        (message,) = (await client.get_prompt("analyze_data", {"dataset": "products"})).messages
        told = json.loads(message.content.text.removeprefix("Analyze this dataset: "))
        assert (told["id"], told["rows"], told["columns"]) == ("products", 2, ["id", "name", "price"])
        for arguments in ({"dataset": "__proto__"}, {}):
            with pytest.raises(MCPError) as refusal:
                await client.get_prompt("analyze_data", arguments)
            assert refusal.value.error.code == -32602

    async def session():
        whole = {**os.environ, **env}
        if transport == "stdio":
            server = StdioServerParameters(command=command[0], args=command[1:], env=whole, cwd=folder)
            async with Client(server, mode=MODES[era]) as client:
                await use(client)
            return
        program = await asyncio.create_subprocess_exec(
            *command, "127.0.0.1:0", env=whole, cwd=folder, stderr=asyncio.subprocess.PIPE
        )
        try:
            line = await asyncio.wait_for(program.stderr.readline(), START_SECONDS)
            async with Client(line.decode().split()[-1], mode=MODES[era]) as client:
                await use(client)
        finally:
            if program.returncode is None:
                program.terminate()
            await program.communicate()

    asyncio.run(asyncio.wait_for(session(), SECONDS))


def test_as_a_module_and_over_raw_lines(python):
    folder, _, env = python
    lines = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "my_mcp_server.server"],
        input=lines,
        capture_output=True,
        text=True,
        cwd=folder.parent,
        env={**os.environ, **env},
        timeout=SECONDS,
    )
    assert done.returncode == 0 and json.loads(done.stdout)["result"]["protocolVersion"] == "2024-11-05"


def test_both_are_the_same_project():
    """The names that their readers know."""
    manifest = json.loads((EXAMPLES / "node" / "packaged" / "package.json").read_text())
    assert (manifest["name"], manifest["version"], manifest["type"]) == ("my-mcp-server", "1.0.0", "module")
    assert manifest["main"] == "dist/index.js" and manifest["bin"] == {"my-mcp-server": "dist/index.js"}
    assert {"build", "start", "dev", "test"} <= set(manifest["scripts"])
    project = (EXAMPLES / "python" / "packaged" / "pyproject.toml").read_text()
    for line in ('name = "my-mcp-server"', 'version = "1.0.0"', 'my-mcp-server = "my_mcp_server.server:main"'):
        assert line in project.splitlines()
    assert Path(EXAMPLES / "python/packaged/src/my_mcp_server/resources/data_provider.py").exists()
