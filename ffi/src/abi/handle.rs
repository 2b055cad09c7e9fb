//! The objects behind handles. Each begins with a tag of its type, which detects wrong handles.
//!
//! Entries are not among them, see [`live_handles`].

use crate::abi::error::tenon_error;
use crate::abi::guard::Result;
use crate::abi::live_handles;
use crate::abi::status::*;
use crate::calls::answer::tenon_answer;
use crate::calls::call::tenon_call;
use crate::calls::result::tenon_result;
use crate::servers::server::tenon_server;
use crate::servers::settings::tenon_settings;
use crate::transports::http::request::tenon_http;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A type that programs have handles of.
pub(crate) trait Handle: Send + Sync + 'static {
    /// The type's name in C.
    const NAME: &'static str;
    const TAG: u64;
}

/// Lists the types, with tags that other memory is unlikely to begin with.
macro_rules! handles {
    ($($handle:ident = $tag:literal,)+) => {
        $(impl Handle for $handle {
            const NAME: &'static str = stringify!($handle);
            const TAG: u64 = $tag;
        })+
        const TAGS: &[(u64, &str)] = &[$(($tag, stringify!($handle))),+];
    };
}
handles! {
    tenon_answer = 0xa7b1_6c0f_93d2_5e41,
    tenon_call = 0xa7b1_6c0f_93d2_5e42,
    tenon_error = 0xa7b1_6c0f_93d2_5e43,
    tenon_http = 0xa7b1_6c0f_93d2_5e44,
    tenon_result = 0xa7b1_6c0f_93d2_5e45,
    tenon_server = 0xa7b1_6c0f_93d2_5e46,
    tenon_settings = 0xa7b1_6c0f_93d2_5e47,
}

/// The tag of an object that was freed.
const FREED: u64 = 0xa7b1_6c0f_93d2_5e40;

/// The lowest address that an object can have.
const LOWEST_ADDRESS: usize = 4096;

/// Whether each check of a handle searches the table of live handles. Otherwise it compares only the tag.
const IN_TABLE: bool = cfg!(debug_assertions);

/// An object that C has a handle of. The handle is its address. The tag comes first for every type.
#[repr(C)]
pub(crate) struct Tagged<T: Handle> {
    tag: AtomicU64,
    value: T,
}

impl<T: Handle> Tagged<T> {
    fn new(value: T) -> Tagged<T> {
        Tagged { tag: AtomicU64::new(T::TAG), value }
    }

    /// A handle of an object that the program gives back.
    pub(crate) fn give(value: T) -> *mut T {
        let object = Box::into_raw(Box::new(Tagged::new(value)));
        if IN_TABLE {
            live_handles::record(object.addr(), T::NAME, None);
        }
        object.cast()
    }

    /// An object that the library and the program share.
    pub(crate) fn share(value: T) -> Arc<Tagged<T>> {
        let object = Arc::new(Tagged::new(value));
        if IN_TABLE {
            let kept = Box::new(Arc::downgrade(&object));
            live_handles::record(Arc::as_ptr(&object).addr(), T::NAME, Some(kept));
        }
        object
    }

    /// The handle of a shared object.
    pub(crate) fn handle(object: &Arc<Tagged<T>>) -> *mut T {
        Arc::as_ptr(object).cast_mut().cast()
    }
}

impl<T: Handle> Drop for Tagged<T> {
    fn drop(&mut self) {
        // The tag is set first, because dropping the value may run the program's code.
        self.tag.store(FREED, Ordering::Relaxed);
        if IN_TABLE {
            live_handles::record_end(std::ptr::from_ref(self).addr());
        }
    }
}

impl<T: Handle> Deref for Tagged<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Handle> DerefMut for Tagged<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// An object that the program has given back.
pub(crate) struct Owned<T: Handle>(NonNull<Tagged<T>>);

impl<T: Handle> Owned<T> {
    /// # Safety
    /// Made by [`Tagged::give`], live, and not used otherwise from here on.
    pub(crate) unsafe fn new(object: NonNull<Tagged<T>>) -> Owned<T> {
        Owned(object)
    }
}

impl<T: Handle> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: nothing else uses it, and it lives until it is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Handle> DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.0.as_mut() }
    }
}

impl<T: Handle> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: made by `give`, and given back once.
        let mut object = unsafe { Box::from_raw(self.0.as_ptr().cast::<ManuallyDrop<Tagged<T>>>()) };
        // SAFETY: once, and it is not used afterwards.
        unsafe { ManuallyDrop::drop(&mut object) };
        if IN_TABLE {
            live_handles::keep(self.0.addr().get(), object);
        }
    }
}

/// The object of a handle, unless that is wrong or NULL.
///
/// # Safety
/// `handle` is NULL, a handle that the library gave for an object of any type, or not an address of memory. If
/// [`IN_TABLE`] is true it may be anything.
// Inlined, because this check is most of the cost that the C interface adds to a call.
#[inline(always)]
pub(crate) unsafe fn checked<T: Handle>(handle: *const T, what: &str) -> Result<NonNull<Tagged<T>>> {
    let is_in_order = if IN_TABLE {
        live_handles::is_live(handle.addr(), T::NAME)
    } else {
        // SAFETY: by contract of this function an object, which begins with its tag.
        may_be_object(handle.addr()) && unsafe { tag(handle.cast()) } == T::TAG
    };
    match NonNull::new(handle.cast_mut().cast()) {
        Some(object) if is_in_order => Ok(object),
        // SAFETY: as above.
        _ => Err(unsafe { wrong(handle.cast(), what) }),
    }
}

#[inline(always)]
fn may_be_object(address: usize) -> bool {
    address >= LOWEST_ADDRESS && address.is_multiple_of(align_of::<AtomicU64>())
}

/// # Safety
/// `object` is the address of an object with a tag, or of one that was freed.
#[inline(always)]
unsafe fn tag(object: *const AtomicU64) -> u64 {
    // SAFETY: by contract of this function.
    unsafe { (*object).load(Ordering::Relaxed) }
}

/// The failure that describes what is wrong with a handle.
///
/// # Safety
/// As for [`checked`].
#[cold]
#[inline(never)]
unsafe fn wrong(handle: *const AtomicU64, what: &str) -> Failure {
    let what = what.replace('_', " ");
    if handle.is_null() {
        return Failure::null(&what);
    }
    let tagged = || {
        // SAFETY: by contract of this function an object, which begins with its tag.
        let tag = unsafe { tag(handle) };
        if tag == FREED {
            return Some(live_handles::FREED.to_owned());
        }
        TAGS.iter().find(|(other, _)| *other == tag).map(|(_, name)| format!("this is a {name}"))
    };
    let looked = !IN_TABLE && may_be_object(handle.addr());
    let known = if looked { tagged() } else { live_handles::describe(handle.addr()) };
    let why = known.unwrap_or_else(|| "this is not a handle, or the handle was freed".to_owned());
    Failure::state(format!("{what}: {why}"))
}
