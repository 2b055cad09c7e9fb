//! Skills: folders of instructions for models, served as resources (the extension `io.modelcontextprotocol/skills`).
//! This module does not read files; a [`SkillSource`] does.

mod front_matter;
mod library;
mod names;

pub(crate) use front_matter::{FrontMatter, front_matter};
pub(crate) use library::{Library, Page, contents};
pub(crate) use names::uri_of;
use std::sync::Arc;

/// The addresses of everything that belongs to skills.
pub(crate) const TEMPLATE: &str = "skill://{+path}";
/// The file that makes a folder a skill.
pub(crate) const MANIFEST: &str = "SKILL.md";
/// The limits of the extension: the number of a skill's files, and their total bytes.
pub(crate) const MAX_FILES: usize = 512;
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// The digest of a file's bytes.
pub(crate) type Digest = [u8; 32];

/// A skill, as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Skill {
    /// The skill's path: names separated by slashes. The last one is the skill's own name.
    pub(crate) path: String,
    pub(crate) front_matter: FrontMatter,
    /// All files in the skill's folder and in the folders below it, including the manifest, ordered by path.
    pub(crate) files: Vec<SkillFile>,
}

/// A file of a skill. Size and digest are of the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkillFile {
    /// Relative to the same root as the paths of skills.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

/// The contents of a source at one moment.
#[derive(Debug, Default)]
pub(crate) struct SourceContents {
    /// Ordered by path.
    pub(crate) skills: Vec<Skill>,
    /// The skills and files that cannot be served, each with the reason.
    pub(crate) faults: Vec<String>,
}

/// A source of skills. Both methods may block.
pub(crate) trait SkillSource: Send + Sync {
    /// The present contents. It returns the identical value as long as nothing has changed.
    fn look(&self) -> Arc<SourceContents>;

    /// The present bytes of a file that [`SkillSource::look`] found. `None` if the file no longer exists.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;
}
