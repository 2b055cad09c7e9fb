//! Entries that do not exist for one caller.

use crate::proto::catalog::kind::Kind;
use std::collections::HashSet;

/// Entries that a caller must not see, by their kinds and names.
#[derive(Clone, Debug, Default)]
pub(crate) struct HiddenEntries([HashSet<Box<str>>; Kind::ALL.len()]);

impl HiddenEntries {
    pub(crate) fn add(&mut self, kind: Kind, name: &str) {
        self.0[kind.index()].insert(name.into());
    }

    pub(crate) fn has(&self, kind: Kind, name: &str) -> bool {
        self.0[kind.index()].contains(name)
    }
}
