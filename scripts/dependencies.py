"""What others made that is in what a release publishes.

    dependencies.py licences               fails if one is under a licence that is not in the list below
    dependencies.py bill PACKAGE TARGET    writes a bill of materials of a package for a target, CycloneDX 1.5
    dependencies.py bills FOLDER           writes those of crates, of Python's source distribution and of npm's addons

Archives of the C library get theirs where they are made. A wheel has one in it, by maturin, and the npm package that is
JavaScript has nothing of others. Standard library only.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The crates first.
PUBLISHED = ["tenon-mcp", "tenon-schema", "tenon-crash", "tenon-tokens", "tenon-ffi", "tenon-python", "tenon-node"]
# Those that ask for no more than to be named, and may stand beside either of this project's licences.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC",
    "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip

LOCKED = re.compile(r'^name = "(.+)"\nversion = "(.+)"\nsource = .*\nchecksum = "(.+)"$', re.M)


def metadata(target=None):
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    command += ["--filter-platform", target] if target else []
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def within(known, packages, kinds=(None, "build")):
    """The packages that these are made of, themselves included, without what only their tests need."""
    named = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}
    ours = [package for package in known["packages"] if package["source"] is None]
    left = [package["id"] for package in ours if package["name"] in packages]
    found = {}
    while left:
        identity = left.pop()
        if identity in found:
            continue
        found[identity] = named[identity]
        for needed in nodes[identity]["deps"]:
            if any(kind["kind"] in kinds for kind in needed["dep_kinds"]):
                left.append(needed["pkg"])
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def permits(expression):
    """Whether an SPDX expression leaves a choice that is allowed. A slash is an old way to write OR."""
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either():
        value = both()
        while words and words[0] == "OR":
            words.pop(0)
            value = both() or value
        return value

    def both():
        value = one()
        while words and words[0] == "AND":
            words.pop(0)
            value = one() and value
        return value

    def one():
        word = words.pop(0)
        if word == "(":
            value = either()
            words.pop(0)
            return value
        if words and words[0] == "WITH":
            word += f" {words.pop(0)} {words.pop(0)}"
        return word in ALLOWED

    return either() and not words


def licences():
    wrong = 0
    packages = within(metadata(), PUBLISHED)
    for package in packages:
        licence = package["license"]
        if not licence or not permits(licence):
            wrong += 1
            print(f"{package['name']} {package['version']}: {licence or 'no licence'}", file=sys.stderr)
    print(f"{len(packages) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def bill(name, target):
    lock = (ROOT / "Cargo.lock").read_text()
    sums = {found[:2]: found[2] for found in LOCKED.findall(lock)}

    def component(package, kind):
        identity = f"pkg:cargo/{package['name']}@{package['version']}"
        made = {"type": kind, "bom-ref": identity, "purl": identity}
        made |= {"name": package["name"], "version": package["version"]}
        if package["license"]:
            made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if total := sums.get((package["name"], package["version"])):
            made["hashes"] = [{"alg": "SHA-256", "content": total}]
        return made

    # What only builds it is not in it.
    packages = within(metadata(target), [name], kinds=(None,))
    (itself,) = [package for package in packages if package["name"] == name]
    others = [component(package, "library") for package in packages if package is not itself]
    said = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    said["metadata"] = {"component": component(itself, "library")}
    return json.dumps({**said, "components": others}, indent=1) + "\n"


def bills(folder):
    version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    folder.mkdir(parents=True, exist_ok=True)
    # What is built elsewhere may need what any target needs.
    wanted = {f"{crate}-{version}.crate": (crate, None) for crate in PUBLISHED[:4]}
    wanted[f"tenon_mcp-{version}.tar.gz"] = ("tenon-python", None)
    platforms = json.loads((ROOT / "bindings-node" / "platforms.json").read_text())
    for platform, about in platforms.items():
        wanted[f"tenon-mcp-{platform}-{version}.tgz"] = ("tenon-node", about["target"])
    for file, (name, target) in wanted.items():
        (folder / f"{file}.cdx.json").write_text(bill(name, target))
    return 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    does = parser.add_subparsers(dest="does", required=True)
    does.add_parser("licences")
    asked = does.add_parser("bill")
    asked.add_argument("package", choices=PUBLISHED)
    asked.add_argument("target")
    does.add_parser("bills").add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.does == "bill":
        print(bill(given.package, given.target), end="")
        return 0
    return licences() if given.does == "licences" else bills(given.folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
