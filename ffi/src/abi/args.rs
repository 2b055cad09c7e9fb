//! Turns raw arguments into safe ones. No other module does so.
//!
//! Each function takes a value from C and the argument's name for the message, with underscores for spaces. The header
//! states what the program must guarantee. The guarantee holds for as long as the entry point runs.

use crate::abi::guard::Result;
use crate::abi::handle::{Handle, Owned, Tagged, checked};
pub(crate) use crate::abi::live_handles::{live_entry, taken_entry};
use crate::abi::status::*;
use crate::entries::handlers::{UserData, tenon_destroy_fn};
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// A length that means: the text ends at its first NUL.
pub const TENON_NUL: usize = usize::MAX;

/// A place for an output.
pub(crate) struct Out<'a, T>(&'a mut MaybeUninit<T>);

impl<T> Out<'_, T> {
    pub(crate) fn write(self, value: T) {
        self.0.write(value);
    }
}

/// Writes a borrowed string: pointer and length.
pub(crate) fn write_text(text: &[u8], ptr: Out<'_, *const c_char>, len: Option<Out<'_, usize>>) {
    ptr.write(text.as_ptr().cast());
    if let Some(len) = len {
        len.write(text.len());
    }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// The object behind a handle.
///
/// # Safety
/// NULL, or a handle for which [`checked`] may be called.
#[inline(always)]
pub(crate) unsafe fn object<'a, T: Handle>(handle: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: by contract of this function; it is live and of its type, since it is in order.
    unsafe { checked(handle, what).map(|object| &**object.as_ref()) }
}

/// Like [`object`], for handles that one thread at a time may use.
///
/// # Safety
/// As for [`object`], and no other code uses it now.
#[inline(always)]
pub(crate) unsafe fn object_mut<'a, T: Handle>(handle: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: by contract of this function; it is live and of its type, since it is in order.
    unsafe { checked(handle, what).map(|mut object| &mut **object.as_mut()) }
}

/// Like [`object`], but NULL is allowed.
#[inline(always)]
pub(crate) unsafe fn maybe<'a, T: Handle>(handle: *const T, what: &str) -> Result<Option<&'a T>> {
    if handle.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract of this function.
    unsafe { object(handle, what) }.map(Some)
}

/// An object that the program passes to the library; `None` for NULL.
pub(crate) unsafe fn owned<T: Handle>(handle: *mut T, what: &str) -> Result<Option<Owned<T>>> {
    if handle.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract of this function; a valid handle was made by `give`, and is given back once.
    unsafe { checked(handle, what).map(|object| Some(Owned::new(object))) }
}

/// Like [`owned`], but the body handles a failure.
pub(crate) unsafe fn tried_owned<T: Handle>(handle: *mut T, what: &str) -> Result<Result<Owned<T>>> {
    // SAFETY: by contract of this function.
    let object = unsafe { owned(handle, what) };
    Ok(object.and_then(|object| object.ok_or_else(|| Failure::null(&spaced(what)))))
}

/// One more reference to an object that the library and the program share.
pub(crate) unsafe fn shared<T: Handle>(handle: *const T, what: &str) -> Result<Arc<Tagged<T>>> {
    // SAFETY: by contract of this function.
    let object = unsafe { checked(handle, what) }?.as_ptr().cast_const();
    // SAFETY: it is live and was made by `share`; the count is that of the value made here.
    Ok(unsafe {
        Arc::increment_strong_count(object);
        Arc::from_raw(object)
    })
}

/// A reference to a shared object that the program releases; `None` for NULL.
pub(crate) unsafe fn released<T: Handle>(handle: *mut T, what: &str) -> Result<Option<Arc<Tagged<T>>>> {
    if handle.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract of this function; it is live and was made by `share`.
    unsafe { checked(handle, what).map(|object| Some(Arc::from_raw(object.as_ptr().cast_const()))) }
}

/// A pointer of the program with its destructor. From here on the destructor runs exactly once, in every case.
pub(crate) unsafe fn user_data(
    pointer: *mut c_void,
    destroy: tenon_destroy_fn,
    _what: &str,
) -> Result<UserData> {
    Ok(UserData::new(pointer, destroy))
}

/// A NUL-terminated string.
///
/// # Safety
/// NULL or NUL-terminated.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    if text.is_null() {
        return Err(Failure::null(&spaced(what)));
    }
    // SAFETY: not NULL, so by contract NUL-terminated.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map_err(|error| Failure::new(TENON_ERR_UTF8, format!("{} is not UTF-8: {error}", spaced(what))))
}

/// Like [`text`], but the body handles a failure.
pub(crate) unsafe fn tried_text<'a>(ptr: *const c_char, what: &str) -> Result<Result<&'a str>> {
    // SAFETY: by contract of this function.
    Ok(unsafe { text(ptr, what) })
}

/// Like [`text`], but NULL means absent.
pub(crate) unsafe fn optional_text<'a>(ptr: *const c_char, what: &str) -> Result<Option<&'a str>> {
    // SAFETY: by contract of this function.
    if ptr.is_null() { Ok(None) } else { unsafe { text(ptr, what) }.map(Some) }
}

/// Like [`optional_text`], but the body handles a failure.
pub(crate) unsafe fn tried_optional_text<'a>(
    ptr: *const c_char,
    what: &str,
) -> Result<Result<Option<&'a str>>> {
    // SAFETY: by contract of this function.
    Ok(unsafe { optional_text(ptr, what) })
}

/// A string of a given length, or [`TENON_NUL`]. NULL with length 0 is the empty string. The body handles a
/// failure.
///
/// # Safety
/// NULL, or `len` bytes, or NUL-terminated for [`TENON_NUL`].
pub(crate) unsafe fn tried_slice<'a>(
    ptr: *const c_char,
    len: usize,
    what: &str,
) -> Result<std::result::Result<&'a str, Failure>> {
    if len == TENON_NUL {
        // SAFETY: by contract NULL or NUL-terminated.
        return unsafe { tried_text(ptr, what) };
    }
    // SAFETY: by contract NULL or `len` bytes.
    let bytes = unsafe { tried_bytes(ptr.cast(), len, what) }?;
    Ok(bytes.and_then(|bytes| {
        std::str::from_utf8(bytes)
            .map_err(|error| Failure::new(TENON_ERR_UTF8, format!("{} is not UTF-8: {error}", spaced(what))))
    }))
}

/// Bytes. NULL with length 0 is none. The body handles a failure.
///
/// # Safety
/// NULL or `len` bytes.
pub(crate) unsafe fn tried_bytes<'a>(ptr: *const c_void, len: usize, what: &str) -> Result<Result<&'a [u8]>> {
    if len == 0 {
        return Ok(Ok(&[]));
    }
    if ptr.is_null() {
        return Ok(Err(Failure::null(&spaced(what))));
    }
    if len > isize::MAX as usize {
        return Ok(Err(Failure::new(TENON_ERR_UTF8, format!("{} cannot be {len} bytes long", spaced(what)))));
    }
    // SAFETY: not NULL, and by contract `len` bytes, which is a possible length.
    Ok(Ok(unsafe { std::slice::from_raw_parts(ptr.cast::<u8>(), len) }))
}

/// A key of 32 bytes. The body handles a failure.
///
/// # Safety
/// NULL or 32 bytes.
pub(crate) unsafe fn tried_key<'a>(ptr: *const u8, what: &str) -> Result<Result<&'a [u8; 32]>> {
    // SAFETY: by contract of this function; bytes need no alignment.
    Ok(unsafe { ptr.cast::<[u8; 32]>().as_ref() }.ok_or_else(|| Failure::null(&spaced(what))))
}

/// A place for an output.
///
/// # Safety
/// NULL or a place for a `T`, which nothing else uses now.
pub(crate) unsafe fn out<'a, T>(ptr: *mut T, what: &str) -> Result<Out<'a, T>> {
    // SAFETY: by contract of this function; the place need not hold a value.
    let place = unsafe { ptr.cast::<MaybeUninit<T>>().as_mut() };
    place.map(Out).ok_or_else(|| Failure::null(&spaced(what)))
}

/// Like [`out`], but NULL means that the program does not want the output.
pub(crate) unsafe fn optional_out<'a, T>(ptr: *mut T, _what: &str) -> Result<Option<Out<'a, T>>> {
    // SAFETY: by contract of this function; the place need not hold a value.
    Ok(unsafe { ptr.cast::<MaybeUninit<T>>().as_mut() }.map(Out))
}
