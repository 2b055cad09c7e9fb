//! libFuzzer around the engine's targets; `TENON_FUZZ_TARGET` names one. Built and run by `run.py`.
#![no_main]

use std::sync::LazyLock;
use tenon_mcp::fuzzing::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = std::env::var("TENON_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    let names = || TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.unwrap_or_else(|| panic!("TENON_FUZZ_TARGET must be one of {}", names())).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
