#!/usr/bin/env bash
# Compares the built library, the header and the committed tables. Last line: "N passed, N failed".
#
# TENON_LIB: the directory of libtenon.so and of the tenon-header program (default target/ci).
set -u
cd "$(dirname "$0")/../.."

lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}")/libtenon.so || exit 2
passed=0
failed=0

check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        echo "$said" | sed 's/^/  /'
    fi
}

listed() { grep -v '^#' tests/abi/symbols.txt | cut -d' ' -f1 | sort; }
exported() { nm -D --defined-only "$lib" | awk '{ print $3 }' | sort; }

# Every version is one that has been, or the present one.
versions() {
    local present name version wrong=0
    present=$(sed -n 's/^#define TENON_VERSION "\(.*\)"/\1/p' include/tenon.h)
    while read -r name version _; do
        [ "$(printf '%s\n%s\n' "$version" "$present" | sort -V | tail -1)" = "$present" ] || {
            echo "$name: version $version is later than $present"
            wrong=1
        }
    done < <(grep -v '^#' tests/abi/symbols.txt)
    return $wrong
}

# What comments name is there. A name that ends with _ stands for all that begin so; tenon_mcp is the engine.
named() {
    local name missing=0
    while read -r name; do
        case $name in
            tenon_mcp) continue ;;
            *_) grep -q "^[^ ].*\b$name" include/tenon.h ;;
            *) grep -qE "^([^ /]|    ).*\b$name\b" include/tenon.h ;;
        esac || { echo "$name is named, and is not there"; missing=1; }
    done < <(grep -E '^ ?(/?\*)' include/tenon.h | grep -oE '\b(tenon_[a-z0-9_]+|TENON_[A-Z0-9_]+)\b' | sort -u)
    return $missing
}

# The generator that was built along with the library, if it was.
generator=$(dirname "$lib")/tenon-header
check "the header is what its sources make" \
    bash -c 'if [ -x "$0" ]; then "$0" --check; else cargo run --quiet -p tenon-header -- --check; fi' "$generator"
check "exported symbols are those of tests/abi/symbols.txt" diff -u <(listed) <(exported)
check "functions, types and numbers of the header are those of the tables" python3 tests/abi/interface.py
check "what the header names is there" named
check "docs/c-abi.md has the functions" python3 tests/abi/page.py
check "no function is newer than this version" versions

echo "$passed passed, $failed failed"
[ $failed = 0 ]
