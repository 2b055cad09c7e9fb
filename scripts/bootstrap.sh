#!/usr/bin/env bash
# Prepares a fresh clone for building and testing: .venv, .venv-oldest, the npm packages of the tests, valgrind, tools for C.
# With `demo`, only the .venv that the demo runs in; with `npm`, only the packages of the tests. With `full`, also what the
# example programs need, a database, a browser, Python packages, and Conan, the clients of FastMCP, and the Java SDK with a JDK
# and Maven. Runs again in no time when nothing changed.
# While it waits for what it fetches, it compiles: with `demo` the wheel's module, with `tools` nothing, else the workspace.
# Needs Rust, Python >= 3.10, Node >= 20 and a C compiler on the machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

OLDEST_PYTHON_MINOR=10
NEWEST_PYTHON_MINOR=19 # the newest name looked for
OLDEST_NODE=20
# Folders with a package-lock.json; those that do not exist are passed over.
NPM_FOLDERS="tests bindings-node"

say() { printf 'bootstrap: %s\n' "$*"; }
die() {
    printf 'bootstrap: %s\n' "$@" >&2
    exit 1
}

check_tools() {
    command -v cargo >/dev/null || die "cargo not found: install Rust (https://rustup.rs)"
    command -v cc >/dev/null || die "cc not found: install a C compiler (Debian, Ubuntu: apt-get install build-essential)"
    command -v node >/dev/null || die "node not found: install Node >= $OLDEST_NODE"
    command -v npm >/dev/null || die "npm not found: it belongs to Node (Debian, Ubuntu: apt-get install npm)"
    local major
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge "$OLDEST_NODE" ] || die "Node $major is too old: need >= $OLDEST_NODE"
}

# One line "MINOR PATH" per usable interpreter, oldest first. Usable: final release, can make a venv with pip in it.
# A name on PATH proves nothing (version managers put up shims that refuse to start), so each is asked.
usable_pythons() {
    local minor name
    for minor in $(seq "$OLDEST_PYTHON_MINOR" "$NEWEST_PYTHON_MINOR"); do
        for name in "python3.$minor" "/usr/bin/python3.$minor" \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/"python3.$minor"; do
            ask_python "$name"
        done
    done | sort -n -u -k1,1
    ask_python python3 # for machines that have no versioned name
}

ask_python() {
    command -v "$1" >/dev/null || return 0
    # `_base_executable` leads out of an activated venv.
    "$1" -I -c "
import sys
from importlib.util import find_spec
pip = find_spec('ensurepip')
final = sys.version_info.releaselevel == 'final'
if final and sys.version_info >= (3, $OLDEST_PYTHON_MINOR) and pip and pip.origin:
    print(sys.version_info.minor, sys._base_executable)" 2>/dev/null || true
}

# Debian and Ubuntu keep ensurepip in a package of its own.
install_venv_package() {
    local why="no Python >= 3.$OLDEST_PYTHON_MINOR here can make a venv with pip"
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        die "$why" "install one; on Debian and Ubuntu: apt-get install python3 python3-venv"
    fi
    say "$why: installing python3-venv"
    apt_install python3 python3-venv
}

# Counts instructions, and looks at the memory of the C tests.
install_valgrind() {
    if command -v valgrind >/dev/null; then return; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        die "valgrind not found: install it; on Debian and Ubuntu: apt-get install valgrind"
    fi
    say "installing valgrind"
    apt_install valgrind
}

# What the C library's package is tested with: a second compiler, those who find installed libraries, the database of an
# example, and what compares ABIs.
install_c_tools() {
    local tool missing=()
    for tool in clang cmake pkg-config abidiff; do
        command -v "$tool" >/dev/null || missing+=("${tool/abidiff/abigail-tools}")
    done
    echo '#include <sqlite3.h>' | cc -E -x c - >/dev/null 2>&1 || missing+=(libsqlite3-dev)
    if [ ${#missing[@]} = 0 ]; then return; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        die "missing for the tests in C: install them; on Debian and Ubuntu: apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    apt_install "${missing[@]}"
}

# What example programs are tested with: a database, and a browser. Debian would start a database of its own. And what the
# Java SDK needs.
install_system_tools() {
    local missing=()
    { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || missing+=(postgresql)
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 || missing+=(chromium)
    command -v javac >/dev/null || missing+=(default-jdk-headless)
    command -v mvn >/dev/null || missing+=(maven)
    if [ ${#missing[@]} = 0 ]; then return; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        die "missing for the tests of examples and clients: install them; on Debian and Ubuntu: apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    apt_install "${missing[@]}"
}

# Prints a file with what slower tests need and what each example pins.
systems_requirements() {
    local file=.cache/requirements-systems.txt
    cat tests/requirements-systems.txt examples/python/*/requirements.txt | grep -v '^#' | sort -u >"$file.new"
    mv "$file.new" "$file"
    echo "$file"
}

# The lists of packages are fetched only if those that are there do not do.
apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$@" >/dev/null; } ||
        die "could not install $*"
}

# make_venv FOLDER PYTHON REQUIREMENTS...
# Each file of requirements has a stamp, which goes in last, so a run that was cut short is done over. What a folder has is
# kept; a changed file or interpreter makes it anew.
make_venv() {
    local folder=$1 python=$2 file stamp missing=() stale=0
    shift 2
    stamp="$("$python" -V) $python"
    [ "$(cat "$folder/.bootstrapped" 2>/dev/null)" = "$stamp" ] || stale=1
    for file; do
        if [ ! -e "$folder/.$(basename "$file")" ]; then
            missing+=(-r "$file")
        elif ! cmp -s "$file" "$folder/.$(basename "$file")"; then
            stale=1
        fi
    done
    if [ $stale = 1 ]; then
        say "$folder: $("$python" -V)"
        "$python" -m venv --clear "$folder"
        printf '%s' "$stamp" >"$folder/.bootstrapped"
        missing=()
        for file; do missing+=(-r "$file"); done
    fi
    if [ ${#missing[@]} = 0 ]; then return; fi
    "$folder/bin/python" -m pip install -q --disable-pip-version-check "${missing[@]}"
    for file; do cp "$file" "$folder/.$(basename "$file")"; done
}

install_npm() {
    local folder=$1 stamp
    [ -f "$folder/package-lock.json" ] || return 0
    stamp="$(node -p process.version)
$(cat "$folder/package-lock.json")"
    if [ "$(cat "$folder/node_modules/.bootstrapped" 2>/dev/null)" = "$stamp" ]; then return; fi
    say "$folder/node_modules"
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
    printf '%s' "$stamp" >"$folder/node_modules/.bootstrapped"
}

# The jars of the Java SDK. The stamp goes in last, so a run that was cut short is done over.
install_java_sdk() {
    local folder=.cache/java pom=tests/interop/pom.xml
    if cmp -s "$pom" "$folder/.pom.xml"; then return; fi
    say "$folder"
    rm -rf "$folder"
    mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$folder"
    cp "$pom" "$folder/.pom.xml"
}

main() {
    local what=${1:-all}
    mkdir -p .cache
    if command -v flock >/dev/null; then # two at once would tear each other's folders apart
        exec 9>.cache/bootstrap.lock
        flock 9
    fi
    check_tools
    local folder maker
    if [ "$what" = npm ]; then
        for folder in $NPM_FOLDERS; do install_npm "$folder"; done
        return
    fi
    if [ "$what" != demo ]; then
        install_valgrind
        install_c_tools
    fi
    local more=()
    if [ "$what" = full ]; then
        install_system_tools
        more=("$(systems_requirements)")
    fi
    local pythons
    pythons=$(usable_pythons)
    if [ -z "$pythons" ]; then
        install_venv_package
        pythons=$(usable_pythons)
        [ -n "$pythons" ] || die "python3-venv is installed, yet no Python >= 3.$OLDEST_PYTHON_MINOR can make a venv"
    fi
    pythons=$(sort -n -u -k1,1 <<<"$pythons")
    # Side by side: each waits for disk and network most of the time.
    local jobs=() job
    local newest
    newest=$(tail -n 1 <<<"$pythons" | cut -d ' ' -f 2-)
    if [ "$what" = demo ]; then
        python3 scripts/stages.py compile-python &
        jobs+=($!)
        make_venv .venv "$newest" tests/requirements-demo.txt &
        jobs+=($!)
    else
        if [ "$what" != tools ]; then
            python3 scripts/stages.py build-rust &
            jobs+=($!)
        fi
        make_venv .venv "$newest" tests/requirements-demo.txt tests/requirements.txt ${more[@]+"${more[@]}"} &
        jobs+=($!)
        make_venv .venv-oldest "$(head -n 1 <<<"$pythons" | cut -d ' ' -f 2-)" tests/requirements-oldest.txt &
        jobs+=($!)
        if [ "$what" = full ]; then
            for maker in fastmcp2 fastmcp3; do
                make_venv ".venv-$maker" "$newest" "tests/requirements-$maker.txt" &
                jobs+=($!)
            done
            install_java_sdk &
            jobs+=($!)
        fi
        for folder in $NPM_FOLDERS; do
            install_npm "$folder" &
            jobs+=($!)
        done
    fi
    for job in "${jobs[@]}"; do wait "$job" || die "not everything could be prepared"; done
}

main "$@"
