"""The npm packages: what is in them, and that they run where they are installed; what is said where they cannot."""

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings-node"
PLATFORMS = json.loads((PACKAGE / "platforms.json").read_text())
LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"]
# Nothing of the registry is needed.
NPM = {**os.environ, "npm_config_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false"}
CALLS = [
    {"id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 2, "b": 3}}},
]
TYPED = """
import { Server, type Context } from 'tenon-mcp'
import { Client } from 'tenon-mcp/testing'
const app = new Server({ name: 'typed' })
const input = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } as const
app.tool('add', { input }, ({ a }, ctx: Context) => a)
const result = await new Client(app).callTool('add', { a: 1 })
export const text: string = result.text
"""


def run(*command, cwd, **options):
    options = {"capture_output": True, "text": True, "timeout": 120, "env": NPM, **options}
    return subprocess.run([str(part) for part in command], cwd=cwd, **options)


def installed(folder, *what):
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "user", "private": true}')
    install = run("npm", "install", *what, cwd=folder)
    assert install.returncode == 0, install.stderr
    return folder


def refusal(folder, program="import('tenon-mcp').catch((error) => console.log(error.message))"):
    asked = run("node", "-e", program, cwd=folder)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """{name: tarball}, of the addon that is built."""
    out = tmp_path_factory.mktemp("packed")
    pack = run("node", PACKAGE / "scripts" / "pack.mjs", out, cwd=out)
    assert pack.returncode == 0, pack.stderr
    return {re.match(r"(.*)-\d+\.\d+\.\d+", path.name)[1]: path for path in out.glob("*.tgz")}


def members(tarball):
    with tarfile.open(tarball) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
        return names, json.load(archive.extractfile("package/package.json"))


def test_the_licences_are_those_of_the_project():
    for name in LICENSES:
        assert (PACKAGE / name).read_text() == (ROOT / name).read_text()


def test_the_package_is_small_and_names_its_platforms(packed):
    names, about = members(packed["tenon-mcp"])
    assert {*LICENSES, "README.md", "index.mjs", "index.cjs", "dist/tenon.cjs"} <= names
    # native.d.ts says what the package's own scripts call, and is for nobody else.
    assert {path.name for path in PACKAGE.glob("*.d.*ts")} - {"native.d.ts"} <= names
    assert not [name for name in names if name.endswith(".node")]
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    assert about["optionalDependencies"] == {f"tenon-mcp-{platform}": version for platform in PLATFORMS}
    # Nothing else is installed, and nothing is run.
    assert not {"dependencies", "devDependencies", "peerDependencies", "scripts"} & set(about)


def test_a_platforms_package_is_for_that_platform(packed):
    (name,) = set(packed) - {"tenon-mcp"}
    names, about = members(packed[name])
    platform = name.removeprefix("tenon-mcp-")
    row = PLATFORMS[platform]
    assert names == {f"tenon.{platform}.node", *LICENSES, "README.md", "package.json"}
    assert (about["os"], about["cpu"]) == ([row["os"]], [row["cpu"]])
    assert about.get("libc") == ([row["libc"]] if "libc" in row else None)
    assert "scripts" not in about


def test_every_platform_is_released():
    workflow = (ROOT / ".github/workflows/release.yml").read_text()
    for platform, row in PLATFORMS.items():
        fields = f"platform: {platform}, target: {row['target']}"
        assert fields in workflow, f"{platform} is not built"


def test_it_runs_where_it_is_installed(packed, tmp_path):
    folder = installed(tmp_path / "user", *packed.values())
    assert {path.name for path in (folder / "node_modules").iterdir() if path.name[0] != "."} == set(packed)
    program = (ROOT / "examples/node/quickstart/server.mjs").read_text()
    (folder / "server.mjs").write_text(program)
    required = re.sub(r"import (.*) from ('.*')", r"const \1 = require(\2)", program)
    (folder / "server.cjs").write_text(f"(async () => {{\n{required}\n}})()")
    lines = "".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in CALLS)
    for file in ("server.mjs", "server.cjs"):
        served = run("node", file, cwd=folder, input=lines)
        answers = [json.loads(line) for line in served.stdout.splitlines()]
        (answer,) = [answer for answer in answers if answer.get("id") == 2]
        assert answer["result"]["content"] == [{"type": "text", "text": "5"}], served.stderr


def test_its_types_are_whole(packed, tmp_path):
    folder = installed(tmp_path / "user", *packed.values())
    (folder / "typed.mts").write_text(TYPED)
    modules = PACKAGE / "node_modules"
    strict = {"noEmit": True, "strict": True, "exactOptionalPropertyTypes": True}
    found = {"types": ["node"], "typeRoots": [str(modules / "@types")]}
    options = {**strict, "target": "es2022", "module": "nodenext", **found}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["typed.mts"]}))
    checked = run("node", modules / "typescript" / "bin" / "tsc", "-p", ".", cwd=folder)
    assert checked.returncode == 0, checked.stdout


def test_a_missing_package_is_named(packed, tmp_path):
    folder = installed(tmp_path / "user", packed["tenon-mcp"])
    (name,) = set(packed) - {"tenon-mcp"}
    assert f"the package {name} is not installed" in refusal(folder)
    assert f"the package {name} is not installed" in refusal(
        folder, "try { require('tenon-mcp') } catch (error) { console.log(error.message) }"
    )


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="there is one C library elsewhere")
def test_musl_is_told_from_glibc(packed, tmp_path):
    folder = installed(tmp_path / "user", packed["tenon-mcp"])
    # What Node's report says where it runs with musl.
    musl = "process.report.getReport = () => ({ header: {} });"
    said = refusal(folder, f"{musl} import('tenon-mcp').catch((error) => console.log(error.message))")
    assert re.search(r"the package tenon-mcp-linux-\w+-musl is not installed", said)


def test_an_addon_that_does_not_load_says_why(packed, tmp_path):
    folder = installed(tmp_path / "user", *packed.values())
    (addon,) = (folder / "node_modules").glob("tenon-mcp-*/*.node")
    addon.write_bytes(b"no addon")
    assert re.search(r"tenon-mcp-\S+ does not load: .*", refusal(folder))


def test_a_checkout_says_the_command_that_builds_it(tmp_path):
    checkout = tmp_path / "bindings-node"
    for name in run("git", "ls-files", ".", cwd=PACKAGE).stdout.split():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes((PACKAGE / name).read_bytes())
    folder = installed(tmp_path / "user", checkout)
    command = f"run `npm run build` in {checkout}"
    assert refusal(folder) == f"tenon-mcp: this checkout is not built; {command}"
    bundle = run("node", checkout / "scripts" / "bundle.mjs", cwd=folder)
    assert bundle.returncode == 0, bundle.stderr
    assert refusal(folder).endswith(f"it is not built; {command}")
    assert json.loads((checkout / "package.json").read_text())["scripts"]["build"].startswith("cargo build ")
