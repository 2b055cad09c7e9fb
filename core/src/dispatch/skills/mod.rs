//! Skills: folders of instructions for models, served as resources (the extension `io.modelcontextprotocol/skills`).
//! This module does not read files; a [`SkillSource`] does.

mod front_matter;
mod library;
mod names;

pub(crate) use front_matter::{FrontMatter, front_matter};
pub(crate) use library::{Library, Page, contents};
pub(crate) use names::uri_of;
use std::sync::Arc;

/// The file that makes a folder a skill.
pub(crate) const MANIFEST: &str = "SKILL.md";
/// What the extension lets a host rely on: the files of a skill, and their bytes together.
pub(crate) const MAX_FILES: usize = 512;
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// The digest of a file's bytes.
pub(crate) type Digest = [u8; 32];

/// A skill, as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Skill {
    /// Where it is: names with slashes between, of which the last is its own.
    pub(crate) path: String,
    pub(crate) front_matter: FrontMatter,
    /// All files in it and below, its manifest among them, in order of path.
    pub(crate) files: Vec<SkillFile>,
}

/// A file of a skill. Size and digest are of the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkillFile {
    /// From where paths of skills start, too.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

/// What a source has at one moment.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// In order of path.
    pub(crate) skills: Vec<Skill>,
    /// What cannot be served, each with the reason.
    pub(crate) faults: Vec<String>,
}

/// Who has skills. Both methods may block.
pub(crate) trait SkillSource: Send + Sync {
    /// What it has now: the very same value as long as nothing has changed.
    fn look(&self) -> Arc<Looked>;

    /// The bytes of a file that was seen by [`SkillSource::look`], as they are now; nothing if it is gone.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;
}
