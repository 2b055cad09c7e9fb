//! Questions that a handler asks the client: elicitation, sampling and roots.

pub(super) mod confirmation;
mod context_asks;
pub(super) mod questions;
pub(super) mod url_elicitation;
