//! Records which functions of the program run on this thread, to refuse calls that would wait for themselves.

use std::cell::RefCell;

thread_local! {
    /// The servers whose functions run on this thread, by address, innermost last, and whether each runs inline.
    static STACK: RefCell<Vec<(usize, bool)>> = const { RefCell::new(Vec::new()) };
}

/// One function that runs on this thread.
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter(server: usize, inline: bool) -> Inside {
        // A thread that is ending may have no stack any more, but objects that it drops may still call the program.
        let _ = STACK.try_with(|stack| stack.borrow_mut().push((server, inline)));
        Inside(())
    }

    /// Whether a function of this server runs on this thread.
    pub(crate) fn is(server: usize) -> bool {
        any(|(inside, _)| *inside == server)
    }

    /// Whether an inline callback of any server runs on this thread.
    pub(crate) fn is_inline() -> bool {
        any(|(_, inline)| *inline)
    }
}

fn any(wanted: impl Fn(&(usize, bool)) -> bool) -> bool {
    STACK.try_with(|stack| stack.borrow().iter().any(wanted)).unwrap_or(false)
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = STACK.try_with(|stack| stack.borrow_mut().pop());
    }
}
