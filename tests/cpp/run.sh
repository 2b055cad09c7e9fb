#!/usr/bin/env bash
# The C++ interface: compiled alone by each compiler and standard, complete, and tested against a built library. Last line:
# "N passed, N failed".
#
# TENON_LIB: the directory of libtenon.so (default target/ci). CXX: the compiler of the tests. BUILD: where they go
# (build/cpp).
set -u
cd "$(dirname "$0")/../.."

lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}") || exit 2
build=${BUILD:-build/cpp}
strict=(-Wall -Wextra -Wpedantic -Wshadow -Werror)
passed=0
failed=0
mkdir -p "$build"

check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        echo "$said" | head -40 | sed 's/^/  /'
    fi
}

# A header alone, twice.
header() {
    timeout -k 5 120 "$1" "-std=$2" -x c++ "${strict[@]}" -Iinclude -fsyntax-only - <<<"#include <$3>
        #include <$3>"
}

# A part includes what it needs; every compiler and standard sees it in tenon.hpp.
parts() {
    local part
    for part in include/tenon/*.hpp; do
        grep -qF "#include <tenon/${part##*/}>" include/tenon.hpp || { echo "$part is not in tenon.hpp"; return 1; }
        header clang++ c++17 "tenon/${part##*/}" || return 1
    done
}

# Every function of tenon.h is behind something in tenon.hpp, or left out for a reason that is written down.
complete() {
    local function missing=0 code
    code=$(sed 's|//.*||; s|^ *\*.*||; s|^ */\*.*||' include/tenon.hpp include/tenon/*.hpp)
    while read -r function _; do
        if grep -qw "$function" <<<"$code"; then
            ! grep -q "^$function " tests/cpp/left-out.txt || { echo "$function is not left out"; missing=1; }
        else
            grep -q "^$function [a-z]" tests/cpp/left-out.txt || { echo "$function is not in tenon.hpp"; missing=1; }
        fi
    done < <(grep -v '^#' tests/abi/symbols.txt)
    return $missing
}

build_tests() {
    local source jobs=() job
    for source in tests/cpp/*.cpp; do
        timeout -k 5 280 "${CXX:-c++}" -std=c++17 -g "${strict[@]}" -Iinclude -c "$source" \
            -o "$build/$(basename "$source" .cpp).o" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || return 1; done
    timeout -k 5 120 "${CXX:-c++}" "$build"/*.o -o "$build/tests" -L"$lib" -ltenon -lpthread -Wl,-rpath,"$lib"
}

for compiler in g++ clang++; do
    for standard in c++17 c++20; do check "tenon.hpp, $compiler, $standard" header "$compiler" "$standard" tenon.hpp; done
done
check "each part of tenon.hpp alone" parts
check "every function of tenon.h is in tenon.hpp" complete
rm -f "$build"/*.o "$build/tests"
if ! build_tests; then
    echo "FAILED the tests do not compile"
    echo "$passed passed, $((failed + 1)) failed"
    exit 1
fi
output=$build/tests.log
python3 scripts/watched.py 120 "$build/tests" >"$output" 2>&1
code=$?
sed '$d' "$output"
passed=$((passed + $(grep -c '^ok ' "$output")))
bad=$(grep -c '^FAILED ' "$output")
failed=$((failed + bad))
if [ $code != 0 ] && [ "$bad" = 0 ]; then
    failed=$((failed + 1))
    echo "FAILED the tests ended with $code"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
