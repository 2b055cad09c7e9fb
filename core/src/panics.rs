//! Panics of code that is not the engine's own, or is wrong: where they are caught, and what is said of them.
//!
//! Each message has a boundary where the engine takes it, and each call has one where it is handed over and one where it
//! ends. What a boundary catches becomes an answer with -32603 and a record in the log; everything else goes on.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread was, if somebody notes it.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panicked {
    text: String,
    place: Option<String>,
}

/// Runs what may panic.
#[inline]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(Panicked::of)
}

/// Has the engine's log name the file and line of a panic that it catches.
///
/// Only a panic hook knows them. This sets one, which notes the place and then calls the hook that was set before. The
/// libraries for C, Python and Node do so by themselves, since their hooks are their own. A program in Rust decides: without
/// this call the log tells what was being done and the panic's message, and the place is left to the program's own hook.
///
/// A second call does nothing. A hook that is set afterwards takes the place of this one unless it calls it.
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
        // What was thrown may panic when it is let go of, too.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        Panicked { text, place }
    }

    /// What it said, without the place, which no client is told.
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
