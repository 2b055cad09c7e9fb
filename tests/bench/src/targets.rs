//! What is measured. Every target is started as `COMMAND` for stdio (ended by the end of its input) and as
//! `COMMAND --http 127.0.0.1:0` for HTTP, where it prints `listening http://ADDRESS:PORT/mcp` and ends on SIGTERM.

use std::env;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::clients::message::{Era, Work};

/// The language a target is written in, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    C,
    Python,
    Node,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Answers the same messages with as little work as the language allows; knows nothing of the protocol.
    Ceiling,
    /// An MCP server on this engine.
    Server,
    /// The same server on another maker's library for its language.
    Peer,
}

/// A program that is put under load.
#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    pub language: Language,
    pub kind: Kind,
    /// Of the ways to write a tool in this language the one whose start and memory stand for it.
    pub usual: bool,
    /// What it is asked for.
    pub work: Work,
    /// Only measured beside other makers' libraries (`--peers`).
    pub beside_peers: bool,
    /// Program and arguments, see [`Paths::resolve`].
    pub command: &'static [&'static str],
}

use Kind::{Ceiling, Peer, Server};
use Language::{C, Node, Python, Rust};

/// The one that all others are multiples of.
pub const LEAST: &str = "ceiling-rust";

pub const TARGETS: &[Target] = &[
    target(LEAST, Rust, Ceiling, &["{bin}/tenon-ceiling"]),
    target("rust-async", Rust, Server, &["{bin}/tenon-bench-server"]).usual(),
    target("rust-inline", Rust, Server, &["{bin}/tenon-bench-server", "--inline"]),
    target("ceiling-c", C, Ceiling, &["{set}/c/ceiling"]),
    target("c-workers", C, Server, &["{set}/c/server"]).usual(),
    target("c-inline", C, Server, &["{set}/c/server", "--inline"]),
    target("ceiling-python", Python, Ceiling, &["{python}", "tests/bench/ceilings/python/ceiling.py"]),
    target("python-def", Python, Server, &["{python}", "tests/bench/servers/python/server.py"]).usual(),
    target("python-async", Python, Server, &["{python}", "tests/bench/servers/python/server.py", "--async"]),
    target("ceiling-node", Node, Ceiling, &["node", "tests/bench/ceilings/node/ceiling.mjs"]),
    target("node-sync", Node, Server, &["node", "{set}/node/server.mjs"]).usual(),
    target("node-async", Node, Server, &["node", "{set}/node/server.mjs", "--async"]),
    target("python-model", Python, Server, &["{peers}/venv/bin/python", "tests/bench/peers/python/ours.py"])
        .model(),
    target("mcp-def", Python, Peer, &["{peers}/venv/bin/python", "tests/bench/peers/python/theirs.py"])
        .usual(),
    target(
        "mcp-async",
        Python,
        Peer,
        &["{peers}/venv/bin/python", "tests/bench/peers/python/theirs.py", "--async"],
    ),
    target(
        "mcp-model",
        Python,
        Peer,
        &["{peers}/venv/bin/python", "tests/bench/peers/python/theirs.py", "--model"],
    )
    .model(),
    target("node-zod", Node, Server, &["node", "{peers}/node/ours.mjs", "--zod"]).beside_peers(),
    target("node-list", Node, Server, &["node", "{peers}/node/ours.mjs", "--list"]).list(),
    target("sdk-sync", Node, Peer, &["node", "{peers}/node/theirs.mjs"]).usual(),
    target("sdk-async", Node, Peer, &["node", "{peers}/node/theirs.mjs", "--async"]),
    target("sdk-zod", Node, Peer, &["node", "{peers}/node/theirs.mjs", "--zod"]),
    target("sdk-list", Node, Peer, &["node", "{peers}/node/theirs.mjs", "--list"]).list(),
];

/// Programs that do nothing: they say a word and wait for the end of their input.
pub const EMPTY: &[(&str, Language, &[&str])] = &[
    ("rust", Rust, &["{bin}/tenon-bench-start"]),
    ("c", C, &["{set}/c/start"]),
    ("python", Python, &["{python}", "tests/bench/start/start.py"]),
    ("node", Node, &["node", "tests/bench/start/start.mjs"]),
    ("node -e", Node, &["node", "-e", "fs.writeSync(1, 'started\\n'); fs.readSync(0, new Uint8Array(1))"]),
];

const fn target(
    name: &'static str,
    language: Language,
    kind: Kind,
    command: &'static [&'static str],
) -> Target {
    let beside_peers = matches!(kind, Peer);
    Target { name, language, kind, usual: false, work: Work::Echo, beside_peers, command }
}

impl Target {
    const fn usual(self) -> Target {
        Target { usual: true, ..self }
    }

    const fn beside_peers(self) -> Target {
        Target { beside_peers: true, ..self }
    }

    const fn model(self) -> Target {
        Target { work: Work::Model, beside_peers: true, ..self }
    }

    const fn list(self) -> Target {
        Target { work: Work::List, beside_peers: true, ..self }
    }
}

/// How the load client reaches a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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

    /// Calls in flight of the rows that are measured in both eras; the others are measured in the modern era alone, and
    /// without the ceilings that nothing is a multiple of.
    pub fn usual_load(self) -> usize {
        match self {
            Transport::Stdio => 64,
            Transport::Http => 16,
        }
    }

    pub fn loads(self) -> &'static [usize] {
        match self {
            Transport::Stdio => &[64, 1],
            Transport::Http => &[16, 1, 64],
        }
    }
}

/// One row of the result: a target over one transport in one era, with so many calls in flight; over HTTP each has a
/// connection of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub target: &'static Target,
    pub transport: Transport,
    pub era: Era,
    pub in_flight: usize,
    /// Built from the other set, that of `--against`.
    pub before: bool,
}

impl PartialEq for Target {
    fn eq(&self, other: &Target) -> bool {
        self.name == other.name
    }
}

impl Cell {
    pub fn name(&self) -> String {
        let (transport, era) = (self.transport.name(), self.era.name());
        let before = if self.before { " before" } else { "" };
        format!("{} {transport} {era} {}{before}", self.target.name, self.in_flight)
    }
}

/// Where things are.
#[derive(Debug)]
pub struct Paths {
    /// The workspace.
    pub root: PathBuf,
    /// What tests/bench/prepare.py made for the profile that this program was built with.
    pub set: PathBuf,
    /// The same of another build of the engine.
    pub other: Option<PathBuf>,
}

impl Paths {
    pub fn find(other: Option<PathBuf>) -> Result<Paths, String> {
        let here = env::current_dir().map_err(|e| format!("no current directory: {e}"))?;
        let mut above = here.ancestors();
        let root = above.find(|directory| directory.join("tests/bench/Cargo.toml").is_file());
        let root = root.ok_or("run this inside the project's tree")?.to_owned();
        let set = root.join("build/bench").join(profile());
        Ok(Paths { root, set, other: other.map(|other| here.join(other)) })
    }

    /// The command with its placeholders filled in and its files made absolute: `{bin}` is the directory of this program,
    /// `{set}` what was prepared, `{peers}` what was prepared of other makers, `{python}` the interpreter of the set. An empty line where `before` is asked for and there
    /// is no other set.
    pub fn resolve(&self, command: &[&str], before: bool) -> Vec<String> {
        let set = if before { self.other.as_deref().unwrap_or(Path::new("")) } else { &self.set };
        let words = command.iter().map(|word| {
            let file = match word.split_once('/') {
                Some(("{bin}", program)) => bin().join(program),
                Some(("{set}", file)) => set.join(file),
                Some(("{peers}", file)) => self.root.join("build/bench/peers").join(file),
                Some(_) if !word.contains(' ') => self.root.join(word),
                _ if *word == "{python}" => set.join("venv/bin/python"),
                _ => return (*word).to_owned(),
            };
            file.display().to_string()
        });
        words.collect()
    }

    /// The first part of a command that is not on this machine.
    pub fn missing(&self, command: &[&str], before: bool) -> Option<String> {
        let words = self.resolve(command, before);
        let mut needed = words.into_iter().enumerate();
        needed.find_map(|(place, word)| {
            let there = match word.contains('/') {
                true => word.contains(' ') || Path::new(&word).is_file(),
                false => place > 0 || on_path(&word),
            };
            (!there).then_some(word)
        })
    }
}

fn bin() -> PathBuf {
    env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)).unwrap_or_default()
}

/// The profile this program was built with: cargo names the directory after it.
pub fn profile() -> String {
    bin().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_ceiling_and_one_usual_server_and_names_are_unique() {
        for target in TARGETS {
            assert_eq!(TARGETS.iter().filter(|other| other.name == target.name).count(), 1);
            let same = || TARGETS.iter().filter(|other| other.language == target.language);
            assert_eq!(same().filter(|other| other.kind == Ceiling).count(), 1);
            for kind in [Server, Peer] {
                let usual = same().filter(|other| other.usual && other.kind == kind).count();
                assert!(usual == 1 || kind == Peer && same().all(|other| other.kind != Peer), "{kind:?}");
            }
            assert!(EMPTY.iter().any(|(_, language, _)| *language == target.language));
        }
        for transport in Transport::ALL {
            assert!(transport.loads().contains(&transport.usual_load()));
        }
    }

    #[test]
    fn commands_are_resolved_and_missing_parts_named() {
        let places = Paths::find(Some("other".into())).unwrap();
        let root = places.root.display().to_string();
        let there = ["sh", "tests/bench/Cargo.toml", "--inline", "a b/c"];
        let expected = ["sh", &format!("{root}/tests/bench/Cargo.toml"), "--inline", "a b/c"];
        assert_eq!(places.resolve(&there, false), expected);
        assert_eq!(places.missing(&there, false), None);
        let named = |command: &[&str], before| places.missing(command, before).unwrap_or_default();
        assert_eq!(named(&["tests/bench/none"], false), format!("{root}/tests/bench/none"));
        assert_eq!(named(&["no-such-program-anywhere"], false), "no-such-program-anywhere");
        assert!(named(&["{bin}/none"], false).ends_with("/none"));
        assert!(named(&["{set}/none"], false).ends_with(&format!("build/bench/{}/none", profile())));
        assert!(named(&["{set}/none"], true).ends_with("/other/none"));
        assert!(named(&["{python}"], true).ends_with("/other/venv/bin/python"));
    }
}
