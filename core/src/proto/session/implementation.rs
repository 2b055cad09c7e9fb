//! Who a server is, as each revision says it (digest section 9.2).

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::members::{CheckedMembers, IMPLEMENTATION};
use crate::proto::version::Revision;

/// Name and version of a server, and what else it says of itself: `title`, `description`, `icons`, `websiteUrl`.
#[derive(Clone, Debug)]
pub struct Implementation(CheckedMembers);

impl Implementation {
    /// A server of this name and version.
    pub fn new(name: &str, version: &str) -> Result<Implementation, String> {
        let mut implementation = Implementation(CheckedMembers::new(&IMPLEMENTATION));
        for (member, text) in [("name", name), ("version", version)] {
            let mut value = JsonWriter::new();
            value.str(text);
            implementation.set(member, value.into_slice())?;
        }
        Ok(implementation)
    }

    /// One without name and version, which nobody is shown.
    pub(crate) fn unnamed() -> Implementation {
        Implementation(CheckedMembers::new(&IMPLEMENTATION))
    }

    /// Gives a member its value, in place of one it has; `member` may have underscores (`website_url`).
    pub fn set(&mut self, member: &str, value: JsonSlice) -> Result<(), String> {
        self.0.set(member, value).map(|_| ()).map_err(|error| format!("server: {error}"))
    }

    /// The object that `revision` has for it.
    pub fn json(&self, revision: Revision) -> JsonSlice {
        let mut out = JsonWriter::new();
        self.0.write(revision, &mut out);
        out.into_slice()
    }
}
