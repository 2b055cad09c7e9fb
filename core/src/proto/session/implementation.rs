//! The identity of a server in the form of each revision (digest section 9.2).

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::members::{CheckedMembers, IMPLEMENTATION};
use crate::proto::version::Revision;

/// The name and the version of a server, and optionally `title`, `description`, `icons` and `websiteUrl`.
#[derive(Clone, Debug)]
pub struct Implementation(CheckedMembers);

impl Implementation {
    /// A server with this name and version.
    pub fn new(name: &str, version: &str) -> Result<Implementation, String> {
        let mut implementation = Implementation(CheckedMembers::new(&IMPLEMENTATION));
        for (member, text) in [("name", name), ("version", version)] {
            let mut value = JsonWriter::new();
            value.str(text);
            implementation.set(member, value.into_slice())?;
        }
        Ok(implementation)
    }

    /// A server without name and version, which no client sees.
    pub(crate) fn unnamed() -> Implementation {
        Implementation(CheckedMembers::new(&IMPLEMENTATION))
    }

    /// Sets a member, or replaces its value. The name may be written with underscores (`website_url`).
    pub fn set(&mut self, member: &str, value: JsonSlice) -> Result<(), String> {
        self.0.set(member, value).map(|_| ()).map_err(|error| format!("server: {error}"))
    }

    /// The name.
    pub(crate) fn name(&self) -> String {
        let name = self.json(Revision::V2026_07_28).member("name");
        name.and_then(|name| name.decode_str().map(|name| name.into_owned())).unwrap_or_default()
    }

    /// The object in the form of `revision`.
    pub fn json(&self, revision: Revision) -> JsonSlice {
        let mut out = JsonWriter::new();
        self.0.write(revision, &mut out);
        out.into_slice()
    }
}
