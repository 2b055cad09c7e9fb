"""What the release workflow does beyond building: archives, licences, bills of materials, a comparison of ABIs."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile

import pytest
from test_install import PROFILE, ROOT, answer, flags, run

sys.path.insert(0, str(ROOT / "scripts"))
import dependencies  # noqa: E402

TARGET = "x86_64-unknown-linux-gnu"
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


def test_an_archive_is_complete_and_always_the_same(tmp_path, monkeypatch):
    # With a static library that takes no time to pack.
    built = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / PROFILE
    (tmp_path / "target" / PROFILE).mkdir(parents=True)
    (tmp_path / "target" / PROFILE / "libtenon.so").symlink_to(built / "libtenon.so")
    (tmp_path / "target" / PROFILE / "libtenon.a").write_bytes(b"!<arch>\n")
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    sums = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "libtenon-0-here.tar.gz"
        run(sys.executable, ROOT / "scripts" / "install_c.py", "--archive", file, "--profile", PROFILE, "--built")
        sums.add(hashlib.sha256(file.read_bytes()).hexdigest())
    assert len(sums) == 1
    with tarfile.open(file) as packed:
        packed.extractall(tmp_path, filter="data")
    root = tmp_path / "libtenon-0-here"
    monkeypatch.setenv("PKG_CONFIG_PATH", str(root / "lib" / "pkgconfig"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(root / "lib"))
    source = ROOT / "examples" / "c" / "quickstart" / "quickstart.c"
    run("cc", source, "-o", tmp_path / "quickstart", *flags("--cflags", "--libs"))
    assert answer(tmp_path / "quickstart") == "5"


@pytest.mark.parametrize(("expression", "fine"), [
    ("MIT", True),
    ("MIT/Apache-2.0", True),
    ("GPL-3.0-only OR MIT", True),
    ("GPL-3.0-only AND MIT", False),
    ("MIT AND (Apache-2.0 OR GPL-3.0-only)", True),
    ("(MIT OR GPL-3.0-only) AND GPL-2.0-only", False),
    ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", True),
    ("Apache-2.0 WITH other-exception", False),
    ("GPL-3.0-only", False),
])  # fmt: skip
def test_a_licence_is_allowed_if_a_choice_of_it_is(expression, fine):
    assert dependencies.permits(expression) is fine


def test_every_dependency_may_be_published():
    assert re.search(r"\d\d+ passed, 0 failed", run(sys.executable, ROOT / "scripts" / "dependencies.py", "licences"))


def test_a_bill_names_what_is_in_the_library():
    said = json.loads(run(sys.executable, ROOT / "scripts" / "dependencies.py", "bill", "tenon-ffi", TARGET))
    tree = run("cargo", "tree", "--locked", "-p", "tenon-ffi", "-e", "normal", "--target", TARGET, "--prefix", "none",
               "-f", "{p}", cwd=ROOT)  # fmt: skip
    expected = {tuple(line.split()[:2]) for line in tree.splitlines() if line} - {("tenon-ffi", "v" + version())}
    assert {(one["name"], "v" + one["version"]) for one in said["components"]} >= expected
    assert said["metadata"]["component"]["name"] == "tenon-ffi"
    for one in said["components"]:
        assert one["licenses"] and one["purl"] == f"pkg:cargo/{one['name']}@{one['version']}"
        assert "hashes" in one or one["name"] in dependencies.PUBLISHED


def version():
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def test_a_library_that_lost_a_function_is_refused(tmp_path):
    sources = {"old": "int a(void){return 1;} int b(void){return 2;}", "more": "int c(void){return 3;}"}
    sources["more"] = sources["old"] + sources["more"]
    sources["less"] = "int a(void){return 1;}"
    for name, source in sources.items():
        run("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", tmp_path / f"{name}.so", input=source)
    run("abidw", "--out-file", tmp_path / "old.abi", tmp_path / "old.so")

    def compare(new):
        command = [ROOT / "tests" / "abi" / "compare.sh", tmp_path / "old.abi", tmp_path / f"{new}.so"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert compare("old").returncode == compare("more").returncode == 0
    lost = compare("less")
    assert lost.returncode == 1 and "breaks what was linked" in lost.stdout


def test_the_workflow_can_be_read_and_its_jobs_are_there():
    program = "console.log(JSON.stringify(require('yaml').parse(require('fs').readFileSync(process.argv[1], 'utf8'))))"
    jobs = json.loads(run("node", "-e", program, WORKFLOW, cwd=ROOT / "tests"))["jobs"]
    for name, job in jobs.items():
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(jobs), name
        assert job["runs-on"] and job["steps"]
    # Whatever is published waits for the licences and for the versions.
    for name, job in jobs.items():
        if job.get("environment") == "release":
            assert "checks" in job["needs"], name
    steps = [step.get("run", "") for step in jobs["publish-crates"]["steps"]]
    order = [found for step in steps for found in re.findall(r"cargo publish .*-p (\S+)", step)]
    assert order == ["tenon-schema", "tenon-mcp"]
