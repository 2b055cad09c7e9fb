//! The paths of a listener: which transport or which fixed page answers on each path.

pub(super) mod pages;
pub(super) mod paths;
