"""Builds what the bench measures, the way users get it: the library, the wheel in an environment of its own, the npm
package, a server in each language on them.

    prepare.py release                    from this tree, into build/bench/release
    prepare.py ci                         the tests' build, into build/bench/ci; what the stages have built is taken
    prepare.py release --engine DIR       the engine of another tree, this one's servers, into build/bench/other
    prepare.py release --commit COMMIT    the same of a commit
    prepare.py release --peers            other makers' libraries as well, into build/bench/peers

Nothing that the tests use is changed. CARGO_TARGET_DIR is honoured; another tree has a target directory of its own.
Standard library only.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "tests" / "bench"
BUILD = ROOT / "build" / "bench"
WARNINGS = ["-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, cwd=ROOT, **environment):
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"prepare: {' '.join(words)} ended with {done.returncode}")


def cargo(engine, profile, target, package):
    run("cargo", "build", "--locked", "--profile", profile, "-p", package, cwd=engine, CARGO_TARGET_DIR=str(target))


def programs_in_c(engine, library, into):
    """The ceiling and the empty program as well, which do not depend on the engine."""
    cc = os.environ.get("CC", "cc")
    into.mkdir(parents=True, exist_ok=True)
    run(cc, "-std=c11", *WARNINGS, "-o", into / "ceiling", *sorted((BENCH / "ceilings" / "c").glob("*.c")))
    run(cc, "-std=c11", *WARNINGS, "-o", into / "start", BENCH / "start" / "start.c")
    run(cc, "-std=c99", "-D_DEFAULT_SOURCE", *WARNINGS, f"-I{engine / 'include'}", "-o", into / "server",
        BENCH / "servers" / "c" / "server.c", f"-L{library}", "-ltenon", "-lpthread", f"-Wl,-rpath,{library}")


def package_for_node(engine, profile, target, into):
    """The files that npm would publish, made by the package's own script, beside the server."""
    shutil.rmtree(into, ignore_errors=True)
    # With room beside it, where the script links examples.
    made = into / "made" / "bindings-node"
    ignored = shutil.ignore_patterns("node_modules", "*.node", "dist")
    shutil.copytree(engine / "bindings-node", made, ignore=ignored)
    run("node", "scripts/copy-addon.mjs", profile, cwd=made, CARGO_TARGET_DIR=str(target))
    package = into / "node_modules" / "tenon-mcp"
    package.mkdir(parents=True)
    for pattern in ["package.json", *json.loads((made / "package.json").read_text())["files"]]:
        for file in made.glob(pattern):
            shutil.move(file, package / file.name)
    shutil.rmtree(into / "made")
    shutil.copy2(BENCH / "servers" / "node" / "server.mjs", into)


def environment_for_python(engine, profile, target, into):
    """An environment with nothing but the wheel, on the interpreter of the tests."""
    wheels = into.parent / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    python = ROOT / ".venv" / "bin" / "python"
    # As scripts/stage_table.py: PyO3 is not to look for an interpreter.
    settings = {"CARGO_TARGET_DIR": str(target), "PYO3_CONFIG_FILE": str(ROOT / "scripts" / "pyo3.txt"),
                "SOURCE_DATE_EPOCH": "315532800"}
    run(python, "-m", "maturin", "build", "--locked", "--profile", profile, "-m", "bindings-python/Cargo.toml",
        "-o", wheels, cwd=engine, **settings)
    [wheel] = wheels.glob("*.whl")
    kept = into / "wheel"
    if not kept.exists() or kept.read_bytes() != wheel.read_bytes():
        run(python, "-m", "venv", "--clear", into)
        run(into / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", wheel)
        shutil.copy2(wheel, kept)


def peers(wheel, package, into):
    """Other makers' libraries, each beside this one, which the servers import that measure more than the usual call."""
    requirements, venv = BENCH / "peers" / "python" / "requirements.txt", into / "venv"
    python, kept = venv / "bin" / "python", venv / "requirements.txt"
    if not kept.exists() or kept.read_bytes() != requirements.read_bytes():
        run(ROOT / ".venv" / "bin" / "python", "-m", "venv", "--clear", venv)
        run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements)
        shutil.copy2(requirements, kept)
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--force-reinstall", "--no-deps", wheel)
    node, lock = into / "node", BENCH / "peers" / "node" / "package-lock.json"
    kept = node / "node_modules" / "package-lock.json"
    if not kept.exists() or kept.read_bytes() != lock.read_bytes():
        shutil.rmtree(node, ignore_errors=True)
        shutil.copytree(BENCH / "peers" / "node", node, ignore=shutil.ignore_patterns("node_modules"))
        run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=node)
        shutil.copy2(lock, kept)
    for file in (BENCH / "peers" / "node").glob("*.mjs"):
        shutil.copy2(file, node)
    ours = node / "node_modules" / "tenon-mcp"
    shutil.rmtree(ours, ignore_errors=True)
    shutil.copytree(package, ours)


def environment_of_the_tests(into):
    """For a smoke test: what the stages have installed."""
    if into.is_symlink() or into.is_file():
        into.unlink()
    elif into.exists():
        shutil.rmtree(into)
    into.symlink_to(ROOT / ".venv", target_is_directory=True)


def prepare(profile, engine, target, into):
    here = engine == ROOT
    library = target / profile
    for package in ["tenon-ffi", "tenon-node", *(["tenon-bench"] if here else [])]:
        # The stages have built this one, with the features of the whole workspace.
        if not (here and profile == "ci" and (library / "libtenon.so").exists()):
            cargo(engine, profile, target, package)
    programs_in_c(engine, library, into / "c")
    package_for_node(engine, profile, target, into / "node")
    if here and profile == "ci":
        environment_of_the_tests(into / "venv")
    else:
        environment_for_python(engine, profile, target, into / "venv")
    run("strip", "-o", into / "libtenon.so", library / "libtenon.so")


def sources(commit):
    """The tree of a commit."""
    tree = BUILD / "source"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    # -m: cargo takes what is older than the last build for built.
    subprocess.run(f"git archive {commit} | tar -x -m -C '{tree}'", shell=True, cwd=ROOT, check=True)
    return tree


def forget(*files):
    """Has them read anew, as after an installation that is a while ago. What was just written is kept in large pieces,
    and mapped by these: a server's memory came out up to 1.7 MiB larger."""
    os.sync()
    for file in files:
        if file.is_file() and hasattr(os, "posix_fadvise"):
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", choices=["release", "ci"])
    parser.add_argument("--peers", action="store_true")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--engine", type=Path)
    other.add_argument("--commit")
    arguments = parser.parse_args()
    engine = sources(arguments.commit) if arguments.commit else (arguments.engine or ROOT).resolve()
    if engine == ROOT:
        target, into = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve(), BUILD / arguments.profile
    else:
        target, into = BUILD / "target", BUILD / "other"
    into.mkdir(parents=True, exist_ok=True)
    prepare(arguments.profile, engine, target, into)
    if arguments.peers:
        wheels = ROOT / "build" / ("wheels" if arguments.profile == "ci" else "bench/release/wheels")
        [wheel] = wheels.glob("*.whl")
        peers(wheel, into / "node" / "node_modules" / "tenon-mcp", BUILD / "peers")
    forget(*into.rglob("*"), *(target / arguments.profile).glob("*"))
    print(f"prepared: {into}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
