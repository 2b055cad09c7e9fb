//! The version of the library and of its ABI.

use std::ffi::{CStr, c_char};

/// The ABI version, which changes with every incompatible change of this interface. Within one version functions may be
/// added, and nothing else changes.
pub const TENON_ABI_VERSION: u32 = 0;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the loaded library, such as "1.2.3". Static. TENON_VERSION is the version of the header.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The ABI version of the loaded library. A program may run with it if it equals the TENON_ABI_VERSION that the program
/// was compiled with.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_abi_version() -> u32 {
    TENON_ABI_VERSION
}
