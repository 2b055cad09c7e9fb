#!/usr/bin/env bash
# Builds and runs the C tests against a built library. Last line: "N passed, N failed".
#
#   tests/c/run.sh [--valgrind] [PROGRAM...]
#
# TENON_LIB: the directory of libtenon.so (default target/ci). CC, CXX: the compilers. BUILD: where programs go (build/c).
# Without PROGRAM also checks the header (every C and C++ standard, two translation units), the static library, and that
# every function is called with NULL somewhere.
set -u
cd "$(dirname "$0")/../.."

lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}") || exit 2
build=${BUILD:-build/c}
cc=${CC:-cc}
cxx=${CXX:-c++}
strict=(-Wall -Wextra -Wpedantic -Werror)
programs=(arguments kinds middleware ask destroy late modes inline elicit results log lifecycle start descriptors sockets web http signals owner served exchange)
# Compilers, and programs that run without a client of their own.
limited=(timeout -k 5)
# Programs that fork: whatever they leave behind is ended, and is a failure.
seconds=120
under=()
passed=0
failed=0
complete=1

if [ "${1:-}" = --valgrind ]; then
    shift
    # A forked child reports nothing of its own: it ends with _exit, with everything of its parent still in place.
    seconds=600
    under=(valgrind --quiet --error-exitcode=98 --leak-check=full --show-leak-kinds=definite,indirect
        --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes --fair-sched=yes)
    complete=0
fi
if [ $# -gt 0 ]; then
    programs=("$@")
    complete=0
fi
mkdir -p "$build"

# One check: a name and a command; what the command says is shown only if it fails. It goes to a file: a pipe would be
# waited for as long as anybody holds it.
check() {
    local name=$1 said=$build/said
    shift
    if "$@" >"$said" 2>&1; then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        sed 's/^/  /' "$said"
    fi
}

compile() {
    "${limited[@]}" 120 "$cc" -std=c11 -D_GNU_SOURCE -g -O1 "${strict[@]}" -Iinclude -Itests/c "$@"
}

# The header alone, by one compiler and standard, twice in one program.
header() {
    local compiler=$1 language=$2 standard=$3
    local source='#include <tenon.h>
        #include <tenon.h>
        tenon_status used(void); tenon_status used(void) { return TENON_OK; }'
    "${limited[@]}" 120 "$compiler" "-std=$standard" -x "$language" "${strict[@]}" -Iinclude -c -o /dev/null - <<<"$source"
}

# Two translation units that include it, linked, with the shared library and with the static one.
two_units() {
    printf '#include <tenon.h>\nuint32_t other(void);\nuint32_t other(void) { return tenon_abi_version(); }\n' >"$build/two-a.c"
    printf '#include <tenon.h>\nuint32_t other(void);\nint main(void) { return other() != TENON_ABI_VERSION; }\n' >"$build/two-b.c"
    compile "$build/two-a.c" "$build/two-b.c" -o "$build/two" "$@" && "${limited[@]}" 20 "$build/two"
}

null_everywhere() {
    local missing=0 function
    for function in $(grep -o '^[a-z].*\btenon_[a-z0-9_]*(' include/tenon.h | grep -o 'tenon_[a-z0-9_]*(' | sort -u); do
        grep -qF "$function" tests/c/arguments.c || { echo "$function) is not called in tests/c/arguments.c"; missing=1; }
    done
    return $missing
}

hello='{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
hello+='"clientInfo":{"name":"tests","version":"1"}}}'

# An example over stdio: lines in, and what the last line out must hold.
example() {
    local program=$1 expected=$2 out=$build/out
    shift 2
    printf '%s\n' "$hello" "$@" | "${limited[@]}" 20 "$build/$program" >"$out" || { echo "ended with $?"; return 1; }
    grep -qF "$expected" "$out" || { cat "$out"; return 1; }
}

# Nothing of the library's takes the number of a descriptor that the program was started without.
without_errors() {
    local out=$build/out
    printf '%s\n' "$hello" | "${limited[@]}" 20 "$build/fixture" >"$out" 2>&- || { echo "ended with $?"; return 1; }
    grep -qF '"id":0,"result"' "$out" || { cat "$out"; return 1; }
}

# Without input or output it cannot serve, and says so.
without_one() {
    local code
    "${limited[@]}" 20 "$build/fixture" "$@"
    code=$?
    [ $code != 0 ] && [ $code != 124 ] && [ $code != 137 ] || { echo "ended with $code"; return 1; }
}
without_input() { without_one <&-; }
without_output() { printf '%s\n' "$hello" | without_one >&-; }

tool() { echo '{"jsonrpc":"2.0","id":'"$1"',"method":"tools/call","params":{"name":"'"$2"'","arguments":'"$3"'}}'; }

if [ $complete = 1 ]; then
    for standard in c99 c11 c17; do check "header $standard" header "$cc" c "$standard"; done
    for standard in c++11 c++14 c++17 c++20; do check "header $standard" header "$cxx" c++ "$standard"; done
    check "two translation units, shared" two_units -L"$lib" -ltenon -Wl,-rpath,"$lib"
    check "two translation units, static" two_units "$lib/libtenon.a" -lpthread -ldl -lm
    check "every function is called with NULL" null_everywhere
    check "fixture and examples compile" "${limited[@]}" 300 env TENON_LIB="$lib" BUILD="$build" tests/c/programs.sh
    check "fixture without standard error" without_errors
    check "fixture without standard input" without_input
    check "fixture without standard output" without_output
    check "example quickstart" example quickstart '"id":1,"result":{"content":[{"type":"text","text":"3.5"}]}' \
        "$(tool 1 add '{"a":1,"b":2.5}')"
    check "example mainloop" example mainloop 'ticks, label \"new\"' \
        "$(tool 1 set_label '{"label":"new"}')" "$(tool 2 status '{}')"
    check "example late" example late '"id":1,"result":{"content":[{"type":"text","text":"9592"}]}' \
        "$(tool 1 count_primes '{"below":100000}')"
fi

for program in "${programs[@]}"; do
    if ! compile "tests/c/$program.c" tests/c/support.c -o "$build/test-$program" -L"$lib" -ltenon -lm -lpthread \
        -Wl,-rpath,"$lib"; then
        failed=$((failed + 1))
        echo "FAILED $program: does not compile"
        continue
    fi
    output=$build/test-$program.log
    python3 scripts/watched.py "$seconds" "${under[@]}" "$build/test-$program" >"$output" 2>&1
    code=$?
    # valgrind says which system calls it does not know; the library goes on without them.
    sed -e '/^--[0-9]/d' -e "s/^\(ok\|FAILED\) /\1 $program: /" "$output"
    passed=$((passed + $(grep -c '^ok ' "$output")))
    bad=$(grep -c '^FAILED ' "$output")
    failed=$((failed + bad))
    if [ $code != 0 ] && [ "$bad" = 0 ]; then
        failed=$((failed + 1))
        echo "FAILED $program: ended with $code"
    fi
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
