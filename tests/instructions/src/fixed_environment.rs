//! A fixed environment: the clock, random bytes, and facts about the machine.

use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tenon_mcp::Environment;
use tenon_mcp::Error;

/// Every look at the clock shows the same time, and every byte of randomness is the same.
pub struct FixedEnvironment;

impl Environment for FixedEnvironment {
    fn now(&self) -> Instant {
        static START: OnceLock<Instant> = OnceLock::new();
        *START.get_or_init(|| Instant::now() + Duration::from_secs(1))
    }

    fn unix_seconds(&self) -> u64 {
        1_700_000_000
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(0x5a);
        Ok(())
    }
}

/// Takes the place of the C library's function in this program: hash tables are seeded from it, and their seed decides
/// how many keys collide.
#[unsafe(no_mangle)]
extern "C" fn getrandom(out: *mut libc::c_void, length: libc::size_t, _flags: libc::c_uint) -> libc::ssize_t {
    // SAFETY: the caller of getrandom(2) hands over `length` bytes to write to.
    unsafe { std::ptr::write_bytes(out.cast::<u8>(), 0x5a, length) };
    length as libc::ssize_t
}

/// The C library and those features of the processor by which libraries choose their code at run time. Under valgrind
/// they are those of its own processor.
pub fn processor() -> String {
    let mut words = vec![std::env::consts::ARCH.to_owned(), c_library()];
    words.extend(features().into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_owned()));
    words.join(" ")
}

#[cfg(target_env = "gnu")]
fn c_library() -> String {
    // SAFETY: returns a static string.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!("glibc-{}", version.to_string_lossy())
}

#[cfg(not(target_env = "gnu"))]
fn c_library() -> String {
    "libc".to_owned()
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    macro_rules! detect {
        ($($name:tt)*) => { vec![$(($name, std::arch::is_x86_feature_detected!($name))),*] };
    }
    detect!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "aes" "pclmulqdq" "avx" "avx2" "bmi1" "bmi2" "lzcnt" "fma"
        "movbe" "f16c" "rdrand" "adx" "sha" "vaes" "avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}
