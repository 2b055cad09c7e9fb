#!/usr/bin/env bash
# Runs rustc for a crate of this workspace (RUSTC_WORKSPACE_WRAPPER). A test harness, which holds its whole crate once
# more, is not optimised: that saves minutes of compiling, and it runs for seconds. In bash, because other shells lose
# variables with a hyphen in their name.
set -euo pipefail
for argument; do
    if [ "$argument" = --test ]; then exec "$@" -C opt-level=0; fi
done
exec "$@"
