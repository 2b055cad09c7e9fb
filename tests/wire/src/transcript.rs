//! Reading a transcript file into steps.

use crate::host::{Host, Served, Transport};
use crate::input::Input;
use crate::pattern::{Pattern, split};
use std::collections::{HashMap, HashSet};

/// A transcript for one revision, ready to be played.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// File name relative to the folder of the transcripts, without extension.
    pub name: String,
    /// The revision that `{{revision}}` stood for, if the file names any.
    pub revision: Option<String>,
    /// Hosts it is not played on, with the reason.
    pub skips: Vec<(String, String)>,
    /// The one host it is played on.
    pub only: Option<String>,
    /// What it is about, if it is not about every transport.
    pub over: Option<Over>,
    /// The server of the fixture that it is for.
    pub served: Served,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Transcript {
    /// Whether a modern request is in it.
    fn has_envelope(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(&step.action, Action::Send(input, _) if input.text().replace('\\', "").contains(ENVELOPE)))
    }
}

/// The key by which a modern request is known.
const ENVELOPE: &str = "io.modelcontextprotocol/protocolVersion";

/// Which transports a transcript or a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Two pipes to a process of its own.
    Stdio,
    /// Lines of bytes.
    Lines,
    /// One channel for both directions.
    Duplex,
    /// One shared channel, whose messages are in order.
    Channel,
    /// Streamable HTTP.
    Http,
}

impl Over {
    const ALL: [(&str, Over); 5] = [
        ("stdio", Over::Stdio),
        ("lines", Over::Lines),
        ("duplex", Over::Duplex),
        ("channel", Over::Channel),
        ("http", Over::Http),
    ];

    fn named(word: &str) -> Option<Over> {
        Over::ALL.iter().find(|(name, _)| *name == word).map(|(_, over)| *over)
    }

    /// Whether a transport is one of these.
    pub fn has(self, transport: Transport) -> bool {
        match self {
            Over::Stdio => transport == Transport::Stdio,
            Over::Lines => matches!(transport, Transport::Stdio | Transport::Unix),
            Over::Duplex => !matches!(transport, Transport::Http | Transport::Embedded | Transport::Sse),
            Over::Channel => !matches!(transport, Transport::Http | Transport::Embedded),
            Over::Http => matches!(transport, Transport::Http | Transport::Embedded),
        }
    }
}

/// A host that plays what names it, and nothing else.
const BY_NAME: &str = "settings";

impl Transcript {
    /// Whether it is about this transport.
    pub fn is_over(&self, transport: Transport) -> bool {
        // HTTP+SSE is of the legacy revisions (ERA-15).
        let has_era = transport != Transport::Sse || !self.has_envelope();
        has_era && self.over.is_none_or(|over| over.has(transport))
    }

    /// Whether it is about this host and its transport at all.
    pub fn is_for(&self, host: &Host) -> bool {
        let is_served = self.served == host.served;
        self.is_over(host.transport)
            && is_served
            && self.only.as_deref().map_or(host.name != BY_NAME, |only| only == host.name)
    }
}

/// One step, with the line it is on.
#[derive(Clone, Debug)]
pub struct Step {
    /// Line number, from 1.
    pub line: usize,
    /// What to do.
    pub action: Action,
    /// The transports it is done over, if not over all.
    pub over: Option<Over>,
}

/// What one step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends input, with a newline or without.
    Send(Input, bool),
    /// The next line of output.
    Expect(Expected),
    /// Sends input again and again, until what comes back is this.
    Until(Input, Expected),
    /// The next lines of output, in any order.
    Group(Vec<Expected>),
    /// Nothing more has been answered: a ping is, as the next line.
    Silence,
    /// The input ends.
    Eof,
}

/// An expected line.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Line number, from 1.
    pub line: usize,
    /// As written, definitions expanded.
    pub text: String,
    /// To compare with.
    pub pattern: Pattern,
}

/// The lines of a file of definitions, which every transcript begins with.
#[derive(Clone, Debug, Default)]
pub struct Definitions(Vec<(usize, String)>);

/// Definitions may use definitions, but not endlessly.
const MAX_EXPANSIONS: usize = 1000;

/// The revisions that `@revision every` stands for.
const EVERY: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
/// Those from here on have no handshake.
const MODERN: &str = "2026-07-28";

/// Reads a file that holds nothing but definitions, some perhaps for certain revisions.
pub fn definitions(source: &str) -> Result<Definitions, String> {
    let mut found = Vec::new();
    for (line, text) in meaningful(source) {
        let guarded = guard(text).map_err(|error| format!("line {line}: {error}"))?;
        if !guarded.map_or(text, |(_, rest)| rest).starts_with("@define ") {
            return Err(format!("line {line}: only @define may stand here"));
        }
        found.push((line, text.to_owned()));
    }
    Ok(Definitions(found))
}

/// Reads a transcript: one for each revision it names, or a single one.
pub fn parse(name: &str, source: &str, common: &Definitions) -> Result<Vec<Transcript>, String> {
    let mut revisions = meaningful(source).filter_map(|(_, text)| text.strip_prefix("@revision "));
    let revisions: Vec<Option<String>> = match (revisions.next(), revisions.next()) {
        (None, _) => vec![None],
        (Some("every"), None) => EVERY.map(|revision| Some(revision.to_owned())).into(),
        (Some(list), None) => list.split_whitespace().map(|revision| Some(revision.to_owned())).collect(),
        (Some(_), Some(_)) => return Err("@revision stands twice".into()),
    };
    revisions.into_iter().map(|revision| Reader::new(name, revision, common)?.read(source)).collect()
}

fn meaningful(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = source.lines().enumerate().map(|(index, text)| (index + 1, text));
    numbered.filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'))
}

/// Cuts `[…] ` off the front, if it is there.
fn guard(text: &str) -> Result<Option<(&str, &str)>, String> {
    let Some(guard) = text.strip_prefix('[') else { return Ok(None) };
    guard.split_once("] ").ok_or_else(|| "a guard ends with \"] \"".to_owned()).map(Some)
}

/// Whether a guard's `A`, `A..`, `..B` or `A..B` names a revision. Dates ascend as texts do.
fn names(range: &str, revision: &str) -> bool {
    match range.split_once("..") {
        None => range == revision,
        Some((from, to)) => from <= revision && (to.is_empty() || revision <= to),
    }
}

struct Reader {
    transcript: Transcript,
    definitions: HashMap<String, String>,
    /// Names of definitions that are not to be replaced.
    fixed: HashSet<String>,
    captured: HashSet<String>,
    /// Of the line that is being read.
    over: Option<Over>,
    /// Input that is sent until the line behind it comes back.
    asked: Option<(usize, Input)>,
}

impl Reader {
    fn new(name: &str, revision: Option<String>, common: &Definitions) -> Result<Reader, String> {
        let own = revision.iter().map(|revision| ("revision".to_owned(), revision.clone()));
        let definitions = own.collect();
        let transcript = Transcript {
            name: name.to_owned(),
            revision,
            skips: Vec::new(),
            only: None,
            over: None,
            served: Served::Main,
            steps: Vec::new(),
        };
        let mut reader = Reader {
            transcript,
            definitions,
            fixed: HashSet::new(),
            captured: HashSet::new(),
            over: None,
            asked: None,
        };
        for (line, text) in &common.0 {
            // Without a revision there is nothing that is for certain ones.
            if reader.transcript.revision.is_some() || !text.starts_with('[') {
                reader.line(*line, text).map_err(|error| format!("definitions, line {line}: {error}"))?;
            }
        }
        // A transcript may have texts of its own in place of those.
        reader.fixed.clear();
        Ok(reader)
    }

    fn define(&mut self, define: &str) -> Result<(), String> {
        let (name, text) = define.split_once(' ').unwrap_or((define, ""));
        self.definitions.insert(name.to_owned(), text.to_owned());
        if self.fixed.insert(name.to_owned()) { Ok(()) } else { Err(format!("{name} is defined twice")) }
    }

    fn read(mut self, source: &str) -> Result<Transcript, String> {
        for (line, text) in meaningful(source) {
            let asked = self.asked.is_some();
            self.line(line, text).map_err(|error| format!("line {line}: {error}"))?;
            if asked && self.asked.is_some() {
                return Err(format!("line {line}: behind \">~\" stands the line to wait for"));
            }
        }
        if self.asked.is_some() {
            return Err("behind \">~\" stands the line to wait for".into());
        }
        Ok(self.transcript)
    }

    fn line(&mut self, line: usize, text: &str) -> Result<(), String> {
        let Some((over, text)) = self.guarded(text)? else { return Ok(()) };
        self.over = over;
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "@revision" => {}
            "@define" => self.define(rest)?,
            "@skip" => {
                let (host, reason) = rest.split_once(' ').ok_or("@skip needs a host and a reason")?;
                self.transcript.skips.push((host.to_owned(), reason.to_owned()));
            }
            "@serve" => {
                self.transcript.served =
                    Served::named(rest).ok_or_else(|| format!("{rest:?} names no server of the fixture"))?;
            }
            "@only" if rest == BY_NAME => self.transcript.only = Some(rest.to_owned()),
            "@over" => {
                let (what, _) = rest.split_once(' ').ok_or("@over needs transports and a reason")?;
                self.transcript.over = Some(Over::named(what).ok_or(format!("{what:?} names no transport"))?);
            }
            ">" | ">-" => {
                let input = Input::parse(&self.expand(rest)?, |name| self.captured.contains(name))?;
                self.push(line, Action::Send(input, word == ">"));
            }
            ">~" => {
                let input = Input::parse(&self.expand(rest)?, |name| self.captured.contains(name))?;
                self.asked = Some((line, input));
            }
            "<" => {
                let expected = self.expected(line, rest)?;
                match self.asked.take() {
                    Some((line, input)) => self.push(line, Action::Until(input, expected)),
                    None => self.push(line, Action::Expect(expected)),
                }
            }
            "<?" => {
                let expected = self.expected(line, rest)?;
                // Unordered lines that follow each other form one group.
                match self.transcript.steps.last_mut() {
                    Some(Step { action: Action::Group(group), over, .. }) if *over == self.over => {
                        group.push(expected);
                    }
                    _ => self.push(line, Action::Group(vec![expected])),
                }
            }
            "handshake" => self.handshake(line, if rest.is_empty() { "{}" } else { rest })?,
            "silence" if rest.is_empty() => self.push(line, Action::Silence),
            "eof" if rest.is_empty() => self.push(line, Action::Eof),
            _ => return Err(format!("{text:?} is none of the forms the README lists")),
        }
        Ok(())
    }

    /// Takes `[revision … transport] ` off the front, and says for which transports the line is; nothing if it names other
    /// revisions than this one.
    fn guarded<'t>(&self, text: &'t str) -> Result<Option<(Option<Over>, &'t str)>, String> {
        let Some((words, rest)) = guard(text)? else { return Ok(Some((None, text))) };
        let over = words.split_whitespace().find_map(Over::named);
        let mut revisions = words.split_whitespace().filter(|word| Over::named(word).is_none()).peekable();
        if over.is_some() && rest.starts_with('@') {
            return Err("what is defined is so over every transport".into());
        }
        if over.is_some() && revisions.peek().is_none() {
            return Ok(Some((over, rest)));
        }
        let own = self.transcript.revision.as_deref().ok_or("a guard needs @revision above it")?;
        Ok(revisions.any(|range| names(range, own)).then_some((over, rest)))
    }

    fn expand(&self, text: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        for _ in 0..MAX_EXPANSIONS {
            let found = split(&text)?.into_iter().filter_map(Result::err).find_map(|inside| {
                self.definitions.get(inside).map(|replacement| (format!("{{{{{inside}}}}}"), replacement))
            });
            match found {
                Some((placeholder, replacement)) => text = text.replacen(&placeholder, replacement, 1),
                None => return Ok(text),
            }
        }
        Err("definitions that never end".into())
    }

    fn expected(&mut self, line: usize, text: &str) -> Result<Expected, String> {
        let text = self.expand(text)?;
        let pattern = Pattern::parse(&text, |name| self.captured.contains(name))?;
        self.captured.extend(pattern.names().map(str::to_owned));
        Ok(Expected { line, text, pattern })
    }

    fn push(&mut self, line: usize, action: Action) {
        self.transcript.steps.push(Step { line, action, over: self.over });
    }

    /// The three messages that open a legacy conversation, from the common definitions. Where there is no handshake the
    /// capabilities stand in every request.
    fn handshake(&mut self, line: usize, capabilities: &str) -> Result<(), String> {
        self.definitions.insert("capabilities".into(), capabilities.into());
        if self.transcript.revision.as_deref() == Some(MODERN) {
            return Ok(());
        }
        ["> {{initialize}}", "< {{initialize-answer}}", "> {{initialized}}"]
            .into_iter()
            .try_for_each(|part| self.line(line, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<Vec<Transcript>, String> {
        let common = "@define initialize {{capabilities}}\n@define initialize-answer {{revision}}\n@define initialized i";
        parse("x", source, &definitions(common).unwrap())
    }

    fn actions(transcript: &Transcript) -> Vec<String> {
        let show = |step: &Step| match &step.action {
            Action::Send(input, newline) => {
                format!("{} {newline}", String::from_utf8(input.bytes(&Default::default()).unwrap()).unwrap())
            }
            Action::Expect(expected) => format!("< {}", expected.text),
            Action::Until(_, expected) => format!("until {}", expected.text),
            Action::Group(group) => format!("<? {}", group.len()),
            Action::Silence => "silence".into(),
            Action::Eof => "eof".into(),
        };
        transcript.steps.iter().map(show).collect()
    }

    #[test]
    fn a_file_becomes_one_transcript_a_revision() {
        let source = "# c\n@revision r1 r2\n@define a {{revision}}!\n\nhandshake {}\n[r2] > {{a}}\n>- b\n>\n<? 1\n<? 2\n< 3\n<? 4\nsilence\neof\n";
        let found = read(source).unwrap();
        let tail = ["b false", " true", "<? 2", "< 3", "<? 1", "silence", "eof"];
        let head = |revision| vec!["{} true".to_owned(), format!("< {revision}"), "i true".into()];
        assert_eq!(actions(&found[0]), [head("r1"), tail.map(str::to_owned).into()].concat());
        assert_eq!(
            actions(&found[1]),
            [head("r2"), vec!["r2! true".into()], tail.map(str::to_owned).into()].concat()
        );
        assert_eq!(found[0].steps[3].line, 7);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (source, line) in [
            ("> a\n<{}\n", 2),
            ("< {{later}}\n< {{later=any}}", 1),
            ("[r1] > a", 1),
            ("@revision r1\n[r1]> a", 2),
            ("@skip node", 1),
            ("@define a {{a}}\n> {{a}}", 2),
            ("@define a 1\n@define a 2", 2),
            ("eof now", 1),
            ("@over air it flies", 1),
            ("@over http", 1),
            ("[http] @define a b", 1),
            (">~ a\n> b", 2),
        ] {
            let error = read(source).unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")), "{source:?}: {error}");
        }
        assert!(read("@revision a\n@revision b").is_err());
        assert!(definitions("> a").is_err());
        assert!(definitions("[r1]@define a b").is_err());
    }

    #[test]
    fn guards_name_ranges_and_common_definitions_have_them() {
        let common = definitions("[..2025-03-26] @define a old\n[2025-06-18..] @define a new").unwrap();
        let played = |source: &str| -> Vec<String> {
            let found = parse("x", source, &common).unwrap();
            found.iter().map(|transcript| actions(transcript).join(", ")).collect()
        };
        let source = "@revision every\n> {{a}}\n[2025-06-18..2025-11-25 2024-11-05] > some";
        let (old, new) = (["old true, some true", "old true"], ["new true, some true"; 2]);
        assert_eq!(played(source), [&old[..], &new, &["new true"]].concat());
        // Its own text replaces a common one, once.
        assert_eq!(played("@revision 2025-06-18\n@define a own\n> {{a}}"), ["own true"]);
        assert!(parse("x", "@revision 2025-06-18\n@define a 1\n@define a 2", &common).is_err());
        // A file without revisions has none of them.
        assert!(parse("x", "> {{a}}", &common).is_err());
        assert_eq!(played("@revision 2026-07-28\nhandshake {}\n> {{capabilities}}"), ["{} true"]);
    }

    #[test]
    fn lines_may_be_for_some_transports() {
        let found =
            read("@revision r1 r2\n[http] > a\n[r2 channel] <? 1\n<? 2\n@over lines for a reason").unwrap();
        let overs =
            |transcript: &Transcript| -> Vec<_> { transcript.steps.iter().map(|step| step.over).collect() };
        assert_eq!(overs(&found[0]), [Some(Over::Http), None]);
        assert_eq!(overs(&found[1]), [Some(Over::Http), Some(Over::Channel), None]);
        assert_eq!(found[0].over, Some(Over::Lines));
        assert!(Over::Channel.has(Transport::Stdio) && !Over::Channel.has(Transport::Http));
    }
}
