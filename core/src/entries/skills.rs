//! Folders of skills.

use crate::error::Error;
use crate::runtime::{Folder, Worker};
use crate::server::Server;
use std::path::PathBuf;
use std::sync::Arc;

impl Server {
    /// Serves a folder of skills (`io.modelcontextprotocol/skills`), in every revision: each folder in it that has a
    /// `SKILL.md` is a skill, with all files in and below it; other folders group skills. Clients get them by `skills/list`,
    /// `skills/get` and `resources/directory/read`, and read their files as resources at `skill://…`, of which the manifests
    /// stand in the list of resources. May be called for several folders.
    ///
    /// A `SKILL.md` begins with front matter: YAML between two lines of `---`, in which `name` is that of its folder and
    /// `description` says what the skill is for. A skill has at most 512 files and 16 MiB; symbolic links are refused, and what
    /// begins with a dot is left out. The error says which skill is not in order, and why.
    ///
    /// The folder is looked at whenever a client asks, so that digests and sizes are those of the files there are; what has
    /// come to be wrong since is left out, and the [log](crate::ServerBuilder::log) says why. Reads files, so it blocks.
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
