//! What is measured. Every target is started as `COMMAND` for stdio (ended by the end of its input) and as
//! `COMMAND --http 127.0.0.1:0` for HTTP, where it prints `listening http://ADDRESS:PORT/mcp` and ends on SIGTERM.

use std::env;
use std::path::{Path, PathBuf};

use crate::message::Era;

/// The language a target's tool is written in, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    C,
    Python,
    Node,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers the same messages with as little work as the language allows; knows nothing of the protocol.
    Ceiling,
    /// An MCP server.
    Server,
}

/// One row of the table of targets.
#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    pub language: Language,
    pub kind: Kind,
    /// Program and arguments, relative to the root of the workspace. `{bin}` is the directory of this program,
    /// `{python}` the project's virtual environment if it is there and `python3` otherwise.
    command: &'static [&'static str],
}

use Kind::{Ceiling, Server};
use Language::{C, Node, Python, Rust};

pub const TARGETS: &[Target] = &[
    Target { name: "ceiling-rust", language: Rust, kind: Ceiling, command: &["{bin}/tenon-ceiling"] },
    Target { name: "tenon-rust", language: Rust, kind: Server, command: &["{bin}/tenon-fixture"] },
    Target { name: "ceiling-c", language: C, kind: Ceiling, command: &["build/c/ceiling"] },
    Target { name: "tenon-c", language: C, kind: Server, command: &["build/c/fixture"] },
    Target {
        name: "ceiling-python",
        language: Python,
        kind: Ceiling,
        command: &["{python}", "tests/bench/ceilings/python/ceiling.py"],
    },
    Target {
        name: "tenon-python",
        language: Python,
        kind: Server,
        command: &[".venv/bin/python", "tests/fixtures/python/fixture.py"],
    },
    Target {
        name: "ceiling-node",
        language: Node,
        kind: Ceiling,
        command: &["node", "tests/bench/ceilings/node/ceiling.mjs"],
    },
    Target {
        name: "tenon-node",
        language: Node,
        kind: Server,
        command: &["node", "tests/fixtures/node/fixture.mjs"],
    },
];

/// How the load client reaches a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Stdio,
    Http,
}

impl Transport {
    pub const ALL: [Transport; 2] = [Transport::Stdio, Transport::Http];

    pub fn name(self) -> &'static str {
        match self {
            Transport::Stdio => "stdio",
            Transport::Http => "http",
        }
    }
}

/// One row of the result: a target over one transport in one era.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub target: &'static Target,
    pub transport: Transport,
    pub era: Era,
}

impl Cell {
    pub fn name(&self) -> String {
        format!("{} {} {}", self.target.name, self.transport.name(), self.era.name())
    }
}

impl Target {
    /// The command with its placeholders filled in and its files made absolute.
    pub fn resolve(&self, root: &Path) -> Vec<String> {
        let bin =
            env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)).unwrap_or_default();
        let words = self.command.iter().map(|word| match *word {
            "{python}" => python(root),
            word => match word.strip_prefix("{bin}/") {
                Some(program) => bin.join(program).display().to_string(),
                None if word.contains('/') => root.join(word).display().to_string(),
                None => word.to_owned(),
            },
        });
        words.collect()
    }

    /// The first part of the command that is not on this machine.
    pub fn missing(&self, root: &Path) -> Option<String> {
        self.resolve(root).into_iter().find(|word| match word.contains('/') {
            true => !Path::new(word).is_file(),
            false => !on_path(word),
        })
    }
}

/// The interpreter of the Python ceiling: the one the Python server has, where there is one.
pub fn python(root: &Path) -> String {
    let ours = root.join(".venv/bin/python");
    if ours.is_file() { ours.display().to_string() } else { "python3".to_owned() }
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// The workspace: the nearest directory at or above the current one that holds this crate.
pub fn find_root() -> Result<PathBuf, String> {
    let here = env::current_dir().map_err(|e| format!("no current directory: {e}"))?;
    let root = here.ancestors().find(|directory| directory.join("tests/bench/Cargo.toml").is_file());
    root.map(Path::to_owned).ok_or_else(|| "run this inside the project's tree".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_ceiling_and_names_are_unique() {
        for target in TARGETS {
            assert_eq!(TARGETS.iter().filter(|other| other.name == target.name).count(), 1);
            assert!(TARGETS.iter().any(|other| other.language == target.language && other.kind == Ceiling));
        }
    }

    #[test]
    fn commands_are_resolved_and_missing_parts_named() {
        let root = find_root().unwrap();
        let target = |command| Target { name: "t", language: Rust, kind: Ceiling, command };
        let there = target(&["sh", "tests/bench/Cargo.toml"]);
        assert_eq!(
            there.resolve(&root),
            ["sh".to_owned(), format!("{}/tests/bench/Cargo.toml", root.display())]
        );
        assert_eq!(there.missing(&root), None);
        let no_file = target(&["sh", "tests/bench/none"]);
        assert_eq!(no_file.missing(&root), Some(format!("{}/tests/bench/none", root.display())));
        assert_eq!(
            target(&["no-such-program-anywhere"]).missing(&root).as_deref(),
            Some("no-such-program-anywhere")
        );
        assert!(target(&["{bin}/none"]).missing(&root).unwrap().ends_with("/none"));
    }
}
