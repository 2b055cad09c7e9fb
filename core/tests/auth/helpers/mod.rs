//! An issuer, its tokens, a server that verifies them, and the same server on real sockets, also with a settings file.

pub(crate) mod door;
pub(crate) mod issuer;
pub(crate) mod reloading;
pub(crate) mod served;
pub(crate) mod tokens;
