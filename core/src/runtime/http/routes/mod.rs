//! The paths of a listener, and the transport or the fixed page that answers each path.

pub(super) mod pages;
pub(super) mod paths;
