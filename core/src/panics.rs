//! Catches panics of the program's code and of the engine itself, and reports them.
//!
//! Each message has a panic boundary where the engine receives it. Each call has one where it is passed to its handler,
//! and one where it ends. A caught panic becomes an error response with -32603 and a log record. The rest of the engine
//! continues.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// The source location of this thread's last panic, if the panic hook is set.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panicked {
    text: String,
    place: Option<String>,
}

/// Runs code that may panic.
#[inline]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(Panicked::of)
}

/// Adds file and line to the engine's log records about panics.
///
/// Only a panic hook knows them. This function sets a hook that records the location and then calls the previous hook.
/// The libraries for C, Python and Node call this function, because the hook in their process is their own. A program
/// in Rust decides for itself. Without this call, a log record contains the message of the panic and the engine's work
/// at that time. Only the program's own hook can then report the location.
///
/// A second call does nothing. A hook that is set later replaces this hook, unless the later hook calls it.
pub fn locate_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            let _ = PLACE.try_with(|last| last.set(place));
            before(info);
        }));
    });
}

impl Panicked {
    #[cold]
    fn of(payload: Box<dyn Any + Send>) -> Panicked {
        let place = PLACE.try_with(Cell::take).ok().flatten();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message").to_owned();
        // Dropping the payload may panic too.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        Panicked { text, place }
    }

    /// The message without the source location, which clients must not see.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} (at {place})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }

    #[test]
    fn every_panic_is_caught_and_says_what_it_can() {
        locate_panics();
        let text = |run: fn()| caught(run).unwrap_err().text;
        assert_eq!(text(|| panic!("plain")), "plain");
        assert_eq!(text(|| panic!("made of {}", 2)), "made of 2");
        assert_eq!(text(|| std::panic::panic_any(7)), "no message");
        assert_eq!(text(|| std::panic::panic_any(Bomb)), "no message");
        let panicked = caught::<()>(|| panic!("here")).unwrap_err().to_string();
        let line = line!() - 1;
        assert!(panicked.starts_with(&format!("here (at {}:{line}:", file!())), "{panicked}");
    }
}
