//! Which of the program's functions this thread is in, to refuse what would wait for itself.

use std::cell::RefCell;

thread_local! {
    /// The servers whose functions run on this thread, by address, innermost last, and whether inline.
    static STACK: RefCell<Vec<(usize, bool)>> = const { RefCell::new(Vec::new()) };
}

/// One function's stay on this thread's stack.
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter(server: usize, inline: bool) -> Inside {
        STACK.with_borrow_mut(|stack| stack.push((server, inline)));
        Inside(())
    }

    /// Whether a function of this server runs on this thread.
    pub(crate) fn is(server: usize) -> bool {
        STACK.with_borrow(|stack| stack.iter().any(|(inside, _)| *inside == server))
    }

    /// Whether an inline callback of any server runs on this thread.
    pub(crate) fn is_inline() -> bool {
        STACK.with_borrow(|stack| stack.iter().any(|(_, inline)| *inline))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        STACK.with_borrow_mut(Vec::pop);
    }
}
