"""Prepares and starts a program of `examples/`, as `make demo EXAMPLE=name` does.

    example.py                          lists the names
    example.py [--built] NAME [ADDRESS] [ARGUMENT…]

It serves HTTP at ADDRESS, by default 127.0.0.1:8000; `stdio` serves stdio. With `--built` nothing is built or installed
before it starts.

An example that is listed has a README.md, whose first paragraph says what it is. Names are those of the folders; where
two languages have one of the same name, `python/files` says which. A further program of a folder is one by its name
(`node/customers/lowlevel`), if the page says how it is started. Needs the interpreter of .venv.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
ADDRESS = "127.0.0.1:8000"

# What has to be built, and the command that starts the program of the folder `{folder}`, whose name is `{name}`.
LANGUAGES = {
    "python": (["build-python"], [sys.executable, "{folder}/{program}.py"]),
    "node": (["build-rust", "build-node"], ["node", "{folder}/{program}.mjs"]),
    "c": (["build-rust", "build-c"], ["build/c/{name}"]),
    "cpp": (["build-rust", "build-c"], ["build/c/{name}-cpp"]),
}


def examples():
    """Yields (language, name, what it is) of each example; further programs of a folder have names such as `a/b`."""
    for language in LANGUAGES:
        for page in sorted((EXAMPLES / language).glob("*/README.md")):
            text, name = page.read_text(), page.parent.name
            paragraphs = [part for part in text.split("\n\n") if not part.startswith("#")]
            yield language, name, " ".join(paragraphs[0].split())
            for program in re.findall(rf"make demo EXAMPLE={language}/{name}/(\w+)", text):
                first = next(page.parent.glob(f"{program}.*")).read_text().split("\n", 1)[0]
                yield language, f"{name}/{program}", first.strip('/#*" ')


def show_list():
    print(f"Further examples, each served by `make demo EXAMPLE=name` at http://{ADDRESS}/mcp (ADDRESS=host:port):")
    for language, name, what in examples():
        print(f"  {language + '/' + name:<24} {what.split('. ')[0].rstrip('.')}")


def find(wanted):
    named = [(language, name) for language, name, _ in examples()]
    found = [one for one in named if wanted in (one[1], "/".join(one))]
    if len(found) == 1:
        return found[0]
    if found:
        raise SystemExit(f"example: {wanted!r} is " + " or ".join("/".join(one) for one in found))
    raise SystemExit(f"example: no {wanted!r}; there are " + ", ".join("/".join(one) for one in named))


def install(folder):
    """Puts what the example pins into .venv, unless that is so already."""
    needs = folder / "requirements.txt"
    if not needs.exists():
        return
    stamp = Path(sys.prefix) / f".example-{folder.name}"
    if stamp.exists() and stamp.read_text() == needs.read_text():
        return
    print(f"example: installing {needs.relative_to(ROOT)}", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(needs)]
    subprocess.run(pip, check=True)
    stamp.write_text(needs.read_text())


def package(language, folder):
    """The command of an example that is a project to copy, as it is before it is installed; `None` if it is none."""
    if (folder / "pyproject.toml").exists():
        source = folder / "src"
        os.environ["PYTHONPATH"] = str(source)
        return [sys.executable, "-m", next(source.glob("*/server.py")).parent.name + ".server"]
    if (folder / "tsconfig.json").exists():
        compiler = EXAMPLES / "node" / "node_modules" / "typescript" / "bin" / "tsc"
        subprocess.run(["node", str(compiler), "--project", str(folder)], check=True)
        return ["node", str(folder.relative_to(ROOT) / "dist" / "index.js")]
    return None


def prepare(language, folder):
    """Builds and installs what is not there yet."""
    if language == "node":
        # Their libraries are those of the tests, which the build links into the examples.
        subprocess.run(["scripts/bootstrap.sh", "npm"], check=True)
    subprocess.run(["python3", "scripts/stages.py", *LANGUAGES[language][0]], check=True)
    if language == "python":
        install(folder)


def main(arguments):
    built = arguments[:1] == ["--built"]
    arguments = arguments[built:]
    if not arguments:
        show_list()
        return
    language, name = find(arguments[0])
    name, _, program = name.partition("/")
    folder = EXAMPLES / language / name
    if not built:
        prepare(language, folder)
    rest = arguments[1:] or [ADDRESS]
    rest = rest[1:] if rest[0] == "stdio" else rest
    words = {"folder": folder.relative_to(ROOT), "name": name, "program": program or "server"}
    command = [part.format(**words) for part in LANGUAGES[language][1]]
    command = [*(package(language, folder) or command), *rest]
    # On stderr: over stdio, stdout is the client's.
    print("$", *command, "(Ctrl-C ends it)", file=sys.stderr, flush=True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1:])
