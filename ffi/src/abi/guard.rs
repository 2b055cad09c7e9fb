//! Panics and failures of every entry point are handled here.

use crate::abi::args::Out;
use crate::abi::error::{report, tenon_error};
use crate::abi::status::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// The body of an entry point that returns a status. Its raw arguments come first, by name, each with the function of
/// [`args`](crate::abi::args) that makes it safe. Safe code that returns a status follows. The arguments are checked in
/// order, and the first wrong one is the entry point's failure. If `err` comes first, failures store their detail
/// there.
///
/// Use it only in entry points. These are unsafe functions, so the program guarantees what the functions of `args`
/// require.
macro_rules! entry {
    ($err:ident; $($rest:tt)*) => {{
        // SAFETY: NULL or a place for a pointer, by the contract of the header.
        let err = unsafe { $crate::abi::args::optional_out($err, "err") };
        $crate::abi::guard::entry_with(err, || $crate::abi::guard::entry!(@ $($rest)*))
    }};
    (@ $($name:ident = $kind:ident($($raw:expr),+)),+ => $body:expr) => {{
        // SAFETY: handles are NULL or live, strings NULL or as long as they say, outputs NULL or places of their type,
        // and given away is what is taken: the contract of the header.
        $(let $name = unsafe { $crate::abi::args::$kind($($raw),+, stringify!($name)) }?;)+
        $body
    }};
    ($($rest:tt)*) => {
        $crate::abi::guard::entry_with(Ok(None), || $crate::abi::guard::entry!(@ $($rest)*))
    };
}
pub(crate) use entry;

/// Like `entry`, for an entry point that returns a value. If an argument is wrong, the value is `neutral`.
macro_rules! value {
    ($neutral:expr; $($name:ident = $kind:ident($raw:expr)),+ => $body:expr) => {
        $crate::abi::guard::value_with($neutral, || $crate::abi::guard::entry!(@ $($name = $kind($raw)),+ => Ok($body)))
    };
}
pub(crate) use value;

/// Runs the body of an entry point. A panic must not cross into C, and must be reported.
pub(crate) fn entry_with(
    err: Result<Option<Out<'_, *mut tenon_error>>>,
    body: impl FnOnce() -> Result<tenon_status>,
) -> tenon_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failed(failure, err),
        Err(panic) => failed(panicked(panic), err),
    }
}

/// Reports a failure. Not inlined, because there are many entry points.
#[cold]
#[inline(never)]
fn failed(failure: Failure, err: Result<Option<Out<'_, *mut tenon_error>>>) -> tenon_status {
    report(failure, err.ok().flatten())
}

#[cold]
#[inline(never)]
fn panicked(panic: Box<dyn Any + Send>) -> Failure {
    let text = panic_text(&*panic);
    Failure::new(TENON_ERR_PANIC, format!("the library panicked: {text}; please report this"))
}

/// Runs the body of an entry point that returns a value.
pub(crate) fn value_with<T>(neutral: T, body: impl FnOnce() -> Result<T>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => {
            failed(failure, Ok(None));
            neutral
        }
        Err(_) => neutral,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
