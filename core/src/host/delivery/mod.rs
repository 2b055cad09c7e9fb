//! Messages to a client: where they are sent, in which order, and how a host language reads an outcome.

pub(super) mod outbox;
pub(super) mod outcome_wire;
pub(super) mod sink;
pub(super) mod spacing;
