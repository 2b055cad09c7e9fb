//! What a program registers: entries, settings and options.

pub(super) mod entry;
pub(super) mod options;
pub(super) mod settings;
