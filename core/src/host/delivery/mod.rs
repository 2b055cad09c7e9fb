//! Messages on their way to a client: where they go, in which order, and how a host language reads an outcome.

pub(super) mod outbox;
pub(super) mod outcome_wire;
pub(super) mod sink;
pub(super) mod spacing;
