//! Paths of a listener: which transport, or which fixed page, answers under each.

pub(super) mod pages;
pub(super) mod paths;
pub(super) mod web;
