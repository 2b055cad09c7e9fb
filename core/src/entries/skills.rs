//! The method that serves folders of skills.

use crate::error::Error;
use crate::runtime::{Folder, Worker};
use crate::server::Server;
use std::path::PathBuf;
use std::sync::Arc;

impl Server {
    /// Serves a folder of skills (`io.modelcontextprotocol/skills`), in every revision. Each folder in it that has a
    /// `SKILL.md` is a skill, with all files in and below it. Other folders group skills. Clients list skills with
    /// `skills/list`, `skills/get` and `resources/directory/read`, and read their files as resources at `skill://…`.
    /// The list of resources contains the skills' manifests. This can be called for several folders.
    ///
    /// A `SKILL.md` begins with front matter: YAML between two lines of `---`. Its `name` must be the name of the
    /// folder, and its `description` says what the skill is for. A skill has at most 512 files and 16 MiB. Symbolic
    /// links are refused. Files and folders whose name begins with a dot are ignored.
    ///
    /// The folder is scanned whenever a client asks, so digests and sizes are those of the present files. If a skill
    /// has become invalid, it is left out, and the [log](crate::ServerBuilder::log) has the reason. This method reads
    /// files, so it blocks.
    ///
    /// # Errors
    /// The folder has no skills, one of them is invalid, or one is already served from another folder. The text names
    /// the skill and gives the reason.
    ///
    /// ```no_run
    /// # use tenon_mcp::Server;
    /// let server = Server::new("demo", "1.0.0");
    /// server.skills("skills")?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn skills(&self, folder: impl Into<PathBuf>) -> Result<(), Error> {
        let folder = Folder::open(folder.into(), self.engine().limits().max_skills)?;
        self.engine().add_skills(
            Arc::new(folder),
            || Arc::new(Worker::new("tenon-files", self.engine().threads())),
            self.policy(),
        )
    }
}
