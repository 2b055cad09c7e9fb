//! What every entry point does with its panics and failures.

use crate::args::Out;
use crate::error::{report, tenon_error};
use crate::status::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// The body of an entry point that returns a status: its raw arguments by name, each with the function of
/// [`args`](crate::args) that makes it safe, then safe code that gives a status. The arguments are looked at in their
/// order, and the first that is wrong is the entry point's failure. With `err` first, failures leave their detail there.
///
/// To be used in the entry points only, which are unsafe functions: the program promises them what the functions of
/// `args` ask for.
macro_rules! entry {
    ($err:ident; $($rest:tt)*) => {{
        // SAFETY: NULL or a place for a pointer, by the contract of the header.
        let err = unsafe { $crate::args::optional_out($err, "err") };
        $crate::guard::entry_with(err, || $crate::guard::entry!(@ $($rest)*))
    }};
    (@ $($name:ident = $kind:ident($($raw:expr),+)),+ => $body:expr) => {{
        // SAFETY: handles are NULL or live, strings NULL or as long as they say, outputs NULL or places of their type,
        // and given away is what is taken: the contract of the header.
        $(let $name = unsafe { $crate::args::$kind($($raw),+, stringify!($name)) }?;)+
        $body
    }};
    ($($rest:tt)*) => {
        $crate::guard::entry_with(Ok(None), || $crate::guard::entry!(@ $($rest)*))
    };
}
pub(crate) use entry;

/// The same for an entry point that returns a value. Where an argument is wrong that is `neutral`.
macro_rules! value {
    ($neutral:expr; $($name:ident = $kind:ident($raw:expr)),+ => $body:expr) => {
        $crate::guard::value_with($neutral, || $crate::guard::entry!(@ $($name = $kind($raw)),+ => Ok($body)))
    };
}
pub(crate) use value;

/// Runs the body of an entry point. A panic must not cross into C, and must not be silent either.
pub(crate) fn entry_with(
    err: Result<Option<Out<'_, *mut tenon_error>>>,
    body: impl FnOnce() -> Result<tenon_status>,
) -> tenon_status {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        Err(Failure::new(TENON_ERR_PANIC, format!("the library panicked: {text}; please report this")))
    });
    outcome.unwrap_or_else(|failure| report(failure, err.ok().flatten()))
}

/// Runs the body of an entry point that returns a value.
pub(crate) fn value_with<T>(neutral: T, body: impl FnOnce() -> Result<T>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => {
            report(failure, None);
            neutral
        }
        Err(_) => neutral,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
