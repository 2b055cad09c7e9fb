"""What the release workflow does beyond building: archives, licences, bills of materials, a comparison of ABIs."""

import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile

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


def test_all_that_is_published_has_a_bill(tmp_path):
    assert dependencies.bills(tmp_path) == 0
    platforms = json.loads((ROOT / "bindings-node" / "platforms.json").read_text())
    made = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert set(made) == {
        f"tenon-mcp-{version()}.crate.cdx.json",
        f"tenon-schema-{version()}.crate.cdx.json",
        f"tenon-crash-{version()}.crate.cdx.json",
        f"tenon-tokens-{version()}.crate.cdx.json",
        f"tenon_mcp-{version()}.tar.gz.cdx.json",
        *(f"tenon-mcp-{platform}-{version()}.tgz.cdx.json" for platform in platforms),
    }
    for name, said in made.items():
        within = {one["name"] for one in said["components"]}
        assert ("jsonschema" in within) != name.startswith(("tenon-crash", "tenon-tokens")), name
        assert ("napi" in within, "pyo3" in within) == ("tgz" in name, "tar.gz" in name)
    jobs = workflow()["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "dependencies.py" in step.get("run", "")]
    assert len([step for step in steps if "dependencies.py bills" in step]) == 1
    assert len([step for step in steps if "dependencies.py bill tenon-ffi" in step]) == 1


def test_the_wheel_has_its_bill_in_it():
    (wheel,) = (ROOT / "build" / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        (bill,) = [name for name in packed.namelist() if "/sboms/" in name]
        said = json.loads(packed.read(bill))
    assert said["bomFormat"] == "CycloneDX"
    assert {"pyo3", "jsonschema", "tenon-mcp"} <= {one["name"] for one in said["components"]}


def test_what_is_published_is_summed_and_stated():
    jobs = workflow()["jobs"]
    publish = jobs["publish-files"]
    uploads = {job: step["with"]["name"] for job, about in jobs.items() for step in about["steps"]
               if step.get("uses", "").startswith("actions/upload-artifact")}  # fmt: skip
    # Of these npm's packages are made.
    uploads.pop("addon")
    assert set(uploads) <= set(publish["needs"])
    (download,) = [step for step in publish["steps"] if step.get("uses", "").startswith("actions/download-artifact")]
    patterns = download["with"]["pattern"].strip("{}").split(",")
    for name in uploads.values():
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name
    steps = json.dumps(publish["steps"])
    assert "sha256sum" in steps and "attest-build-provenance" in steps and "dist/*" in steps


def version():
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


HEADER = (ROOT / "include" / "tenon.h").read_text()
BOOL = "tenon_status tenon_answer_bool(const tenon_answer *answer, const char *name, bool *out);"
NEW = "tenon_status tenon_answer_new(void);"


def describe(header, folder):
    """What describe.sh makes of a header, with a library that exports what it declares."""
    folder.mkdir()
    (folder / "tenon.h").write_text(header)
    command = [sys.executable, ROOT / "tests" / "abi" / "interface.py", "--stub", "--header", folder / "tenon.h"]
    source = run(*command)
    run("cc", "-w", "-shared", "-fPIC", f"-I{folder}", "-x", "c", "-", "-o", folder / "library.so", input=source)
    run(ROOT / "tests" / "abi" / "describe.sh", folder / "library.so", folder / "abi", folder / "tenon.h")
    return folder / "abi"


def compare(old, new):
    command = [ROOT / "tests" / "abi" / "compare.sh", old, new]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def present(tmp_path_factory):
    return describe(HEADER, tmp_path_factory.mktemp("interface") / "present")


@pytest.mark.parametrize(("change", "into", "breaks"), [
    (BOOL, BOOL, False),
    (BOOL, BOOL + NEW, False),
    (BOOL, BOOL.replace("name", "field"), False),
    ("#define TENON_ENDED 2", "#define TENON_ENDED 2\n#define TENON_LATER 77", False),
    (BOOL, "", True),
    (BOOL, BOOL.replace("bool *", "int *"), True),
    (BOOL, BOOL.replace("bool *", "size_t len, bool *"), True),
    (BOOL, BOOL.replace("tenon_status ", "bool ", 1), True),
    ("typedef int32_t tenon_mode", "typedef uint8_t tenon_mode", True),
    ("typedef void (*tenon_cancel_fn)(void *user_data)", "typedef void (*tenon_cancel_fn)(int number)", True),
    ("#define TENON_ENDED 2", "#define TENON_ENDED 3", True),
    ("#define TENON_ENDED 2\n", "", True),
])  # fmt: skip
def test_an_interface_that_breaks_programs_is_refused(present, tmp_path, change, into, breaks):
    assert HEADER.count(change) == 1
    compared = compare(present, describe(HEADER.replace(change, into), tmp_path / "new"))
    assert compared.returncode == breaks, compared.stdout + compared.stderr
    assert ("breaks what was made for" in compared.stdout) is breaks


def test_the_library_has_the_interface_that_is_described(present, tmp_path):
    built = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / PROFILE / "libtenon.so"
    describe_sh = ROOT / "tests" / "abi" / "describe.sh"
    run(describe_sh, built, tmp_path / "abi")
    assert compare(present, tmp_path / "abi").returncode == 0
    (tmp_path / "less.h").write_text(HEADER.replace(BOOL, ""))
    command = [describe_sh, built, tmp_path / "abi", tmp_path / "less.h"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "tenon_answer_bool" in refused.stdout


def workflow():
    program = "console.log(JSON.stringify(require('yaml').parse(require('fs').readFileSync(process.argv[1], 'utf8'))))"
    return json.loads(run("node", "-e", program, WORKFLOW, cwd=ROOT / "tests"))


def test_the_workflow_can_be_read_and_its_jobs_are_there():
    jobs = workflow()["jobs"]
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
    assert order == ["tenon-schema", "tenon-crash", "tenon-tokens", "tenon-mcp"]
