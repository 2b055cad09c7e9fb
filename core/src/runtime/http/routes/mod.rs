//! The table of a listener's routes. A route is a path or a prefix, with a handler: the endpoint of a transport, or the
//! fixed pages.

pub(super) mod metadata;
pub(super) mod pages;
pub(super) mod route;
pub(super) mod table;
