//! Which library this is.

use std::ffi::{CStr, c_char};

/// Counts incompatible changes of this interface. Functions may be added within one number, nothing else changes.
pub const TENON_ABI_VERSION: u32 = 0;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the library that runs, such as "1.2.3". Static. TENON_VERSION is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The ABI version of the library that runs. A program may run with it if this equals the TENON_ABI_VERSION it was compiled
/// with.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_abi_version() -> u32 {
    TENON_ABI_VERSION
}
