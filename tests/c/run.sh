#!/usr/bin/env bash
# Builds and runs the C tests against a built library, two programs at once. Last line: "N passed, N failed".
#
#   tests/c/run.sh [--valgrind] [PROGRAM...]
#
# TENON_LIB: the directory of libtenon.so (default target/ci). CC: the compiler of the programs, CXX: of those in C++. BUILD: where
# programs go (build/c). Without PROGRAM also checks the header (every C and C++ standard, two translation units) and the static library.
set -u
cd "$(dirname "$0")/../.."

lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}") || exit 2
build=${BUILD:-build/c}
cc=${CC:-cc}
strict=(-Wall -Wextra -Wpedantic -Werror)
programs=(arguments arguments_entries arguments_calls costly_schemas helpers kinds entry_options mounts middleware ask sensitive destroy destroy_paths late_completion cancel modes inline elicit results log lifecycle hooks failed_start descriptors sockets web http http_states signals poll_after_end crash views_and_skills exchange threads stores access credentials visible settings listen rates)
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

# A status that must be looked at is not ignored without a warning.
ignored_status() {
    local source='#include <tenon.h>
        void ignores(tenon_server *server); void ignores(tenon_server *server) { '
    "${limited[@]}" 120 "$cc" -std=c11 -x c "${strict[@]}" -Iinclude -c -o /dev/null - <<<"$source tenon_server_set_signals(server, true); }" &&
        ! "${limited[@]}" 120 "$cc" -std=c11 -x c "${strict[@]}" -Iinclude -c -o /dev/null - <<<"$source tenon_server_start(server, NULL); }" 2>/dev/null
}

hello='{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
hello+='"clientInfo":{"name":"tests","version":"1"}}}'

# An example over stdio: lines in, and what the last line out must hold.
example() {
    local program=$1 expected=$2 out=$build/out
    shift 2
    printf '%s\n' "$hello" "$@" | "${limited[@]}" 20 "$build/programs/$program" >"$out" || { echo "ended with $?"; return 1; }
    grep -qF "$expected" "$out" || { cat "$out"; return 1; }
}

# Nothing of the library's takes the number of a descriptor that the program was started without.
without_errors() {
    local out=$build/out
    printf '%s\n' "$hello" | "${limited[@]}" 20 "$build/programs/fixture" >"$out" 2>&- || { echo "ended with $?"; return 1; }
    grep -qF '"id":0,"result"' "$out" || { cat "$out"; return 1; }
}

# Without input or output it cannot serve, and says so.
without_one() {
    local code
    "${limited[@]}" 20 "$build/programs/fixture" "$@"
    code=$?
    [ $code != 0 ] && [ $code != 124 ] && [ $code != 137 ] || { echo "ended with $code"; return 1; }
}
without_input() { without_one <&-; }
without_output() { printf '%s\n' "$hello" | without_one >&-; }

tool() { echo '{"jsonrpc":"2.0","id":'"$1"',"method":"tools/call","params":{"name":"'"$2"'","arguments":'"$3"'}}'; }

if [ $complete = 1 ]; then
    for compiler in gcc clang; do
        for standard in c99 c11 c17; do check "header, $compiler, $standard" header $compiler c $standard; done
    done
    for compiler in g++ clang++; do
        for standard in c++11 c++14 c++17 c++20; do check "header, $compiler, $standard" header $compiler c++ $standard; done
    done
    check "two translation units, shared" two_units -L"$lib" -ltenon -Wl,-rpath,"$lib"
    check "two translation units, static" two_units "$lib/libtenon.a" -lpthread -ldl -lm
    check "an ignored status is a warning" ignored_status
    # Apart from those in build/c, which other tests may be running.
    check "fixture and examples compile" "${limited[@]}" 300 env TENON_LIB="$lib" BUILD="$build/programs" tests/c/programs.sh
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

# A program that is in no list would never run.
listed() {
    local source name
    for source in $(grep -lE '^RUN_TESTS' tests/c/*/*.c); do
        name=$(basename "$source" .c)
        case " ${programs[*]} refusals " in
            *" $name "*) ;;
            *) echo "$source is not in the list of programs" && return 1 ;;
        esac
    done
}
[ $complete = 1 ] && check "every program of tests is in the list" listed

# The tests: two at once, each a process of its own. What they say goes to files, and is shown in their order.
[ $complete = 1 ] && programs=(refusals "${programs[@]}")
names=()
pids=()
told=0
trap 'kill $(jobs -rp) 2>/dev/null; wait; exit 130' INT TERM

# Compiles and runs a program, or calls every function with what it must refuse: the cases are made from the header. In place
# of this shell, so that whoever ends it ends that.
attempt() {
    if [ "$1" = refusals ]; then
        CC=$cc exec "${limited[@]}" 400 python3 tests/c/arguments/refusals.py "$lib" "$build"
    fi
    if ! compile tests/c/*/"$1.c" tests/c/support.c -o "$build/test-$1" -L"$lib" -ltenon -lm -lpthread -Wl,-rpath,"$lib"; then
        echo "FAILED does not compile"
        exit 1
    fi
    exec python3 scripts/watched.py "$seconds" "${under[@]}" "$build/test-$1"
}

# Counts and shows what a test came to, whose exit code is given.
tell() {
    local program=$1 code=$2 output=$build/test-$1.log bad
    if [ "$program" = refusals ]; then
        # Its own names are complete, and its last line is its count.
        sed '/^[0-9]* passed, [0-9]* failed$/d' "$output"
        passed=$((passed + $(sed -n '$s/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$output" | grep . || echo 0)))
        bad=$(sed -n '$s/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$output")
    else
        # valgrind says which system calls it does not know; the library goes on without them.
        sed -e '/^--[0-9]/d' -e "s/^\(ok\|FAILED\) /\1 $program: /" "$output"
        passed=$((passed + $(grep -c '^ok ' "$output")))
        bad=$(grep -c '^FAILED ' "$output")
    fi
    failed=$((failed + ${bad:-0}))
    if [ "$code" != 0 ] && [ "${bad:-0}" = 0 ]; then
        failed=$((failed + 1))
        echo "FAILED $program: ended with $code"
    fi
}

# Waits until no more than so many run, and tells of those that have ended and stand before all that run.
settle() {
    local running code
    while running=$(jobs -rp) && [ "$(wc -w <<<"$running")" -gt "$1" ]; do wait -n; done
    while [ $told -lt ${#pids[@]} ] && ! grep -qx "${pids[told]}" <<<"$running"; do
        wait "${pids[told]}"
        code=$?
        tell "${names[told]}" $code
        told=$((told + 1))
    done
}

for program in "${programs[@]}"; do
    settle 1
    attempt "$program" >"$build/test-$program.log" 2>&1 &
    names+=("$program")
    pids+=($!)
done
settle 0

echo "$passed passed, $failed failed"
[ $failed = 0 ]
