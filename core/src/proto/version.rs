//! The protocol revisions, and the two eras that they belong to.

use std::fmt;

/// A published revision of the protocol.
///
/// Revisions are ordered by publication. Use [`Revision::parse`] to compare a revision with a text of a message,
/// because the order of strings has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// 2024-11-05, legacy.
    V2024_11_05,
    /// 2025-03-26, legacy.
    V2025_03_26,
    /// 2025-06-18, legacy.
    V2025_06_18,
    /// 2025-11-25, the newest legacy revision.
    V2025_11_25,
    /// 2026-07-28, modern: stateless, and every request contains its envelope.
    V2026_07_28,
}

/// The kind of connection that a revision has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize` opens a session, and later messages belong to it.
    Legacy,
    /// Requests are independent of each other. Each one names its version in `_meta`.
    Modern,
}

impl Revision {
    /// Every revision this engine serves, newest first.
    pub const ALL: [Revision; 5] = [
        Revision::V2026_07_28,
        Revision::V2025_11_25,
        Revision::V2025_06_18,
        Revision::V2025_03_26,
        Revision::V2024_11_05,
    ];

    /// The revision that the engine offers if an `initialize` asks for a version that it does not know.
    pub const NEWEST_LEGACY: Revision = Revision::V2025_11_25;

    /// The revision with this name, if the engine supports it.
    pub fn parse(text: &str) -> Option<Revision> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era this revision belongs to.
    pub fn era(self) -> Era {
        if self == Revision::V2026_07_28 { Era::Modern } else { Era::Legacy }
    }

    /// Whether this revision is stateless.
    pub fn is_modern(self) -> bool {
        self.era() == Era::Modern
    }

    /// A small number without gaps, for tables that are indexed by revision.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// A set of revisions, such as those that a server supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions(u8);

impl Default for Revisions {
    /// All revisions.
    fn default() -> Revisions {
        Revision::ALL.into_iter().collect()
    }
}

impl FromIterator<Revision> for Revisions {
    fn from_iter<T: IntoIterator<Item = Revision>>(revisions: T) -> Revisions {
        Revisions(revisions.into_iter().fold(0, |all, revision| all | 1 << revision.index()))
    }
}

impl Revisions {
    /// Whether the set contains this revision.
    pub fn has(self, revision: Revision) -> bool {
        self.0 & 1 << revision.index() != 0
    }

    /// The revisions in the set, newest first.
    pub fn iter(self) -> impl Iterator<Item = Revision> {
        Revision::ALL.into_iter().filter(move |revision| self.has(*revision))
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
