//! An issuer, its tokens, a server that verifies them, and the same server on real sockets.

pub(crate) mod door;
pub(crate) mod issuer;
pub(crate) mod served;
pub(crate) mod tokens;
