//! The error object: a status and a sentence.

use crate::abi::args::Out;
use crate::abi::guard::{value, value_with};
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};

/// The detail of a failure: its status and one sentence that names the cause. It is made by functions that take a
/// `tenon_error **err`. Free it with tenon_error_free().
pub struct tenon_error {
    status: tenon_status,
    message: CString,
}

/// The size in bytes of each thread's buffer for tenon_error_last_message(), including the NUL. A longer message is cut
/// at the end of a character.
pub const TENON_ERROR_MESSAGE_SIZE: usize = 1024;

thread_local! {
    /// It has no destructor, so it exists as long as its thread runs.
    static LAST: Cell<[u8; TENON_ERROR_MESSAGE_SIZE]> = const { Cell::new([0; TENON_ERROR_MESSAGE_SIZE]) };
}

/// Stores a failure for its thread, and in `err` if the program passed one.
pub(crate) fn report(failure: Failure, err: Option<Out<'_, *mut tenon_error>>) -> tenon_status {
    let status = failure.status;
    let message = c_string(shortened(failure.message));
    let _ = LAST.try_with(|last| last.set(buffered(&message)));
    if let Some(err) = err {
        err.write(Tagged::give(tenon_error { status, message }));
    }
    status
}

/// The bytes of a message followed by a NUL, cut at the end of a character.
fn buffered(message: &CStr) -> [u8; TENON_ERROR_MESSAGE_SIZE] {
    let mut bytes = [0; TENON_ERROR_MESSAGE_SIZE];
    let text = message.to_str().unwrap_or_default();
    let length = text.floor_char_boundary(TENON_ERROR_MESSAGE_SIZE - 1);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    bytes
}

/// Removes the middle of a long message. Messages quote texts that may have megabytes.
fn shortened(message: String) -> String {
    const LONGEST: usize = 1000;
    if message.len() <= LONGEST {
        return message;
    }
    let begin = message.floor_char_boundary(LONGEST * 3 / 4);
    let end = message.ceil_char_boundary(message.len() - LONGEST / 5);
    format!("{} … {}", &message[..begin], &message[end..])
}

/// Text as a C string. NULs are replaced, because a C program would not see the text after them.
pub(crate) fn c_string(text: impl Into<String>) -> CString {
    CString::new(text.into()).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).unwrap_or_default()
    })
}

/// The status that the failing function returned. It is TENON_OK for NULL, and TENON_ERR_STATE for a wrong handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_error_status(error: *const tenon_error) -> tenon_status {
    value!(TENON_ERR_STATE; error = maybe(error) => error.map_or(TENON_OK, |error| error.status))
}

/// The message: one sentence, NUL-terminated UTF-8, at most 1,000 bytes. Texts that it quotes are shortened. "" for
/// NULL. It is borrowed and lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_error_message(error: *const tenon_error) -> *const c_char {
    value!(c"".as_ptr(); error = maybe(error) => {
        error.map_or(c"", |error| error.message.as_c_str()).as_ptr()
    })
}

/// Frees an error. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_error_free(error: *mut tenon_error) {
    value!((); error = owned(error) => drop(error));
}

/// The message of the last failure on this thread: one sentence, NUL-terminated UTF-8. It is never NULL; it is "" if no
/// function has failed. Every function that returns a failure sets it, with or without a `tenon_error **err`. A
/// function that does not fail leaves it unchanged.
///
/// The text is in a buffer of TENON_ERROR_MESSAGE_SIZE bytes that exists as long as the thread runs. The next failure
/// on this thread overwrites it, so copy the text to keep it. The pointer can always be read, also as an argument next
/// to a call that fails. Do not free it, and do not pass it to other threads.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_error_last_message() -> *const c_char {
    let nothing = c"".as_ptr();
    value_with(nothing, || {
        Ok(LAST.try_with(|last| last.as_ptr().cast::<c_char>().cast_const()).unwrap_or(nothing))
    })
}

/// A short English sentence for a status, independent of the particular failure. Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tenon_status_text(status: tenon_status) -> *const c_char {
    let text: &'static CStr = match status {
        TENON_OK => c"done",
        TENON_SUSPENDED => c"a question has gone to the client; the callback must return",
        TENON_ENDED => c"the server has ended",
        TENON_ERR_NULL => c"a required pointer is NULL",
        TENON_ERR_UTF8 => c"a string is not UTF-8",
        TENON_ERR_JSON => c"a text is not JSON",
        TENON_ERR_INVALID => c"invalid definition or option",
        TENON_ERR_DUPLICATE => c"the name is taken",
        TENON_ERR_NOT_FOUND => c"not found",
        TENON_ERR_STATE => c"not possible in the present state",
        TENON_ERR_ADDRESS => c"cannot listen on the address",
        TENON_ERR_IO => c"the operating system reported an error",
        TENON_ERR_START => c"a callback of \"start\" failed",
        TENON_ERR_FORKED => c"the server was started before this process was forked",
        TENON_ERR_STALE => c"the call is no longer in flight",
        TENON_ERR_TYPE => c"the value does not have the requested type",
        TENON_ERR_UNSUPPORTED => c"the client cannot do this",
        TENON_ERR_CLIENT => c"the client failed",
        TENON_ERR_PANIC => c"a bug in the library",
        _ => c"unknown status",
    };
    text.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_at_the_end_of_a_character() {
        for (length, kept) in [(0, 0), (1, 3), (341, 1023), (400, 1023)] {
            let bytes = buffered(&c_string("€".repeat(length)));
            let text = CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap();
            assert_eq!((text.len(), text.replace('€', "")), (kept, String::new()), "{length}");
        }
        let bytes = buffered(&c_string(format!("a{}", "€".repeat(400))));
        assert_eq!(CStr::from_bytes_until_nul(&bytes).unwrap().to_bytes().len(), 1 + 340 * 3);
    }
}
