//! What every entry point does with its arguments and its panics.

use crate::error::tenon_error;
use crate::status::*;
use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A length that says: the text ends at its first NUL.
pub const TENON_NUL: usize = usize::MAX;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Runs the body of an entry point. A panic must not cross into C, and must not be silent either.
pub(crate) fn entry(body: impl FnOnce() -> Result<tenon_status>) -> tenon_status {
    run(body).unwrap_or_else(|failure| failure.status)
}

/// The same for entry points that give detail through an error.
///
/// `err` must be NULL or point at a place for a pointer.
pub(crate) unsafe fn entry_with(
    err: *mut *mut tenon_error,
    body: impl FnOnce() -> Result<tenon_status>,
) -> tenon_status {
    run(body).unwrap_or_else(|failure| {
        let status = failure.status;
        if !err.is_null() {
            // SAFETY: not NULL, so by contract a place for a pointer.
            unsafe { err.write(tenon_error::from_failure(failure)) };
        }
        status
    })
}

/// Runs the body of an entry point that returns something else than a status.
pub(crate) fn entry_or<T>(neutral: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(neutral)
}

fn run<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        Err(Failure::new(TENON_ERR_PANIC, format!("the library panicked: {text}; please report this")))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The object behind a handle.
///
/// `handle` must be NULL or a live handle of its type, for as long as the reference is used.
pub(crate) unsafe fn object<'a, T>(handle: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: by contract of this function.
    unsafe { handle.as_ref() }.ok_or_else(|| Failure::null(what))
}

/// Like [`object`], for handles that one thread at a time may use.
///
/// `handle` must be NULL or a live handle of its type that nobody else uses now.
pub(crate) unsafe fn object_mut<'a, T>(handle: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: by contract of this function.
    unsafe { handle.as_mut() }.ok_or_else(|| Failure::null(what))
}

/// A NUL-terminated string.
///
/// `text` must be NULL or NUL-terminated, and stay as it is while the reference is used.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    if text.is_null() {
        return Err(Failure::null(what));
    }
    // SAFETY: not NULL, so by contract NUL-terminated.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|error| Failure::new(TENON_ERR_UTF8, format!("{what} is not UTF-8: {error}")))
}

/// Like [`text`], where NULL means absent.
///
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(ptr: *const c_char, what: &str) -> Result<Option<&'a str>> {
    // SAFETY: by contract of this function.
    if ptr.is_null() { Ok(None) } else { unsafe { text(ptr, what) }.map(Some) }
}

/// A string of a given length, or [`TENON_NUL`]. NULL with length 0 is the empty string.
///
/// `ptr` must be NULL or point at `len` bytes (or at a NUL-terminated string, for [`TENON_NUL`]) that stay as they are
/// while the reference is used.
pub(crate) unsafe fn slice<'a>(ptr: *const c_char, len: usize, what: &str) -> Result<&'a str> {
    if len == TENON_NUL {
        // SAFETY: by contract NUL-terminated.
        return unsafe { text(ptr, what) };
    }
    if len == 0 {
        return Ok("");
    }
    if ptr.is_null() {
        return Err(Failure::null(what));
    }
    if len > isize::MAX as usize {
        return Err(Failure::new(TENON_ERR_UTF8, format!("{what} cannot be {len} bytes long")));
    }
    // SAFETY: not NULL, and by contract `len` bytes, which is a possible length.
    let bytes = unsafe { std::slice::from_raw_parts(ptr.cast::<u8>(), len) };
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::new(TENON_ERR_UTF8, format!("{what} is not UTF-8: {error}")))
}

/// Refuses an output that has no place.
pub(crate) fn place<T>(out: *mut T, what: &str) -> Result<()> {
    if out.is_null() { Err(Failure::null(what)) } else { Ok(()) }
}

/// Writes an output. Callers check with [`place`] before they do anything that cannot be undone.
///
/// `out` must be NULL, which skips the write, or point at a place for a `T`.
pub(crate) unsafe fn write<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, so by contract a place for a `T`.
        unsafe { out.write(value) };
    }
}

/// Writes a borrowed string: pointer and length.
///
/// As for [`write`], for both.
pub(crate) unsafe fn write_text(ptr: *mut *const c_char, len: *mut usize, text: &[u8]) {
    // SAFETY: by contract of this function.
    unsafe {
        write(ptr, text.as_ptr().cast());
        write(len, text.len());
    }
}
