//! Skills: registers the entries that serve them, for every source of skills. Reading a source may block, so a
//! separate thread does it.

use crate::dispatch::registry::entry::Entry;
use crate::dispatch::shares::Key;
use crate::dispatch::skills::{Library, Page, SkillSource, SourceContents, TEMPLATE, contents};
use crate::dispatch::validation::arguments::Policy;
use crate::error::{Error, ErrorKind};
use crate::host::Target;
use crate::host::builtin::target::Builtin;
use crate::host::calls::op::{HostCall, Outcome};
use crate::host::engine::Engine;
use crate::host::lanes::port::HostPort;
use crate::json::{JsonSlice, JsonWriter};
use crate::locks::{Mutex, RwLock};
use crate::panics::caught;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::operation::Op;
use crate::proto::session::extension::Extension;
use std::sync::Arc;

/// A page ends after the entry that makes it longer than this.
const PAGE_BYTES: usize = 1 << 20;

/// Runs work that may block.
pub(crate) trait Work: Send + Sync {
    /// Queues `job` for a thread where it may block. Clients are served in rotation, and `share` identifies the client
    /// that caused the job. Returns `false` if no thread could be started.
    fn run(&self, share: Option<Key>, job: Box<dyn FnOnce() + Send>) -> bool;
}

/// The sources of a server's skills, and the result of their latest scan.
pub(in crate::host) struct Skills {
    sources: RwLock<Vec<Arc<dyn SkillSource>>>,
    kept: Mutex<CachedSkills>,
    work: Arc<dyn Work>,
}

#[derive(Default)]
struct CachedSkills {
    looked: Vec<Arc<SourceContents>>,
    library: Arc<Library>,
}

/// The kind of a request about skills.
#[derive(Clone, Copy)]
enum Question {
    /// The entries of all skills.
    List,
    /// The entry of one skill.
    Get,
    /// The contents of a folder.
    Directory,
    /// The manifests, as resources.
    Resources,
    /// A file.
    Read,
}

impl Question {
    fn entry(self) -> Entry {
        let method = |op: Op| Entry::new(Kind::Method, op.name()).of_extension(Extension::Skills);
        let entry = match self {
            Question::List => method(Op::SkillsList).paged(),
            Question::Get => method(Op::SkillsGet),
            Question::Directory => method(Op::DirectoryRead).paged(),
            Question::Resources => Entry::new(Kind::ResourceProvider, TEMPLATE),
            Question::Read => Entry::new(Kind::ResourceTemplate, TEMPLATE).hidden(true),
        };
        // Skills do not get new names in other servers, so these entries would conflict with those of the other
        // servers.
        entry.staying()
    }
}

const QUESTIONS: [Question; 5] =
    [Question::Read, Question::Resources, Question::List, Question::Get, Question::Directory];

impl Engine {
    /// Adds another source of skills.
    pub(crate) fn add_skills(
        &self,
        source: Arc<dyn SkillSource>,
        work: impl FnOnce() -> Arc<dyn Work>,
        policy: Policy,
    ) -> Result<(), Error> {
        let shared = &self.0;
        let present = shared.skills.lock().clone();
        let mut looked = present.as_ref().map(|skills| skills.look()).unwrap_or_default();
        looked.push(source.look());
        if let Some(fault) = Library::new(&looked).1.into_iter().next() {
            return Err(Error::new(ErrorKind::Duplicate, fault));
        }
        if let Some(skills) = present {
            skills.sources.write().push(source);
            shared.catalog.note(Kind::ResourceProvider);
        } else {
            let sources = RwLock::new(vec![source]);
            self.serve_skills(Arc::new(Skills { sources, kept: Mutex::default(), work: work() }), policy)?;
        }
        self.changed();
        Ok(())
    }

    /// Registers all entries, or none.
    fn serve_skills(&self, skills: Arc<Skills>, policy: Policy) -> Result<(), Error> {
        let catalog = &self.0.catalog;
        for (place, question) in QUESTIONS.into_iter().enumerate() {
            let aside = Arc::new(SkillEntry { skills: skills.clone(), question });
            let entry = self.0.registered(question.entry(), Target::Builtin(aside), policy, None);
            if let Err(error) = entry.and_then(|entry| catalog.add(entry)) {
                for question in &QUESTIONS[..place] {
                    let entry = question.entry();
                    catalog.remove(entry.kind(), entry.name());
                }
                return Err(error);
            }
        }
        *self.0.skills.lock() = Some(skills);
        Ok(())
    }
}

impl Skills {
    fn look(&self) -> Vec<Arc<SourceContents>> {
        let sources = self.sources.read().clone();
        sources.iter().map(|source| source.look()).collect()
    }

    /// The present skills. If they have changed, clients are notified. Skills that cannot be served are logged.
    fn library(&self, port: &HostPort) -> Arc<Library> {
        let looked = self.look();
        {
            let kept = self.kept.lock();
            let same = kept.looked.len() == looked.len()
                && kept.looked.iter().zip(&looked).all(|(kept, looked)| Arc::ptr_eq(kept, looked));
            if same {
                return kept.library.clone();
            }
        }
        let (library, faults) = Library::new(&looked);
        let library = Arc::new(library);
        let before =
            std::mem::replace(&mut *self.kept.lock(), CachedSkills { looked, library: library.clone() });
        for fault in faults {
            port.0.log_handler_fault(|| fault);
        }
        // Before the first scan, no client has seen any skills.
        if !before.looked.is_empty() {
            port.0.catalog.note(Kind::ResourceProvider);
            Engine(port.0.clone()).changed();
        }
        library
    }

    fn answer(&self, question: Question, call: &HostCall, port: &HostPort) -> Outcome {
        let text = |member| {
            let value: Option<JsonSlice> = call.input.member(member);
            value.and_then(|value| value.decode_str().map(|text| text.into_owned()))
        };
        let uri =
            || text("uri").ok_or_else(|| RpcError::invalid_params("Invalid params: uri must be a string"));
        let cursor = text("cursor");
        let (after, size) = (cursor.as_deref(), port.0.limits.page_size);
        let library = self.library(port);
        let answered = match question {
            Question::List => Ok(listed(Op::SkillsList.list(), library.skills(after, size, PAGE_BYTES))),
            Question::Resources => {
                Ok(listed(Op::DirectoryRead.list(), library.manifests(after, size, PAGE_BYTES)))
            }
            Question::Get => uri().and_then(|uri| {
                let skill = library.skill(&uri);
                let none = || format!("Invalid params: no skill is served at {}", clip(&uri));
                let skill = skill.ok_or_else(|| RpcError::invalid_params(none()))?;
                let mut out = JsonWriter::with_capacity(skill.as_bytes().len() + 16);
                out.begin_object().key("skill").slice(skill).end_object();
                Ok(Outcome::Result(out.into_slice()))
            }),
            Question::Directory => uri().and_then(|uri| {
                let what = if library.file(&uri).is_some() { "is not a directory" } else { "does not exist" };
                let page = library.folder(&uri, after, size, PAGE_BYTES);
                let page = page.ok_or_else(|| {
                    RpcError::invalid_params(format!("Invalid params: {} {what}", clip(&uri)))
                })?;
                Ok(listed(Op::DirectoryRead.list(), page))
            }),
            Question::Read => self.read(&library, call.context.uri.as_deref().unwrap_or_default()),
        };
        answered.unwrap_or_else(Outcome::Error)
    }

    fn read(&self, library: &Library, uri: &str) -> Result<Outcome, RpcError> {
        let absent = || RpcError::not_found(uri);
        let (place, path) = library.file(uri).ok_or_else(absent)?;
        let source = self.sources.read().get(place).cloned().ok_or_else(absent)?;
        match source.read(path) {
            Ok(Some(bytes)) => Ok(Outcome::Content(contents(uri, path, bytes))),
            Ok(None) => Err(absent()),
            Err(reason) => Err(RpcError::internal(format!("{uri} cannot be read: {reason}"))),
        }
    }
}

/// A page as the result of a list method.
fn listed(member: &str, page: Page) -> Outcome {
    let mut out = JsonWriter::with_capacity(page.items.as_bytes().len() + 64);
    out.begin_object().key(member).slice(&page.items);
    if let Some(next) = page.next {
        out.key("nextCursor").str(&next);
    }
    out.end_object();
    Outcome::Result(out.into_slice())
}

/// One of the entries that answer requests for skills.
struct SkillEntry {
    skills: Arc<Skills>,
    question: Question,
}

impl Builtin for SkillEntry {
    fn answer(&self, call: HostCall, port: &HostPort) {
        let (skills, question, id) = (self.skills.clone(), self.question, call.id);
        let inner = port.clone();
        let job = move || {
            if inner.is_cancelled(id) {
                return;
            }
            let answer = caught(|| skills.answer(question, &call, &inner));
            let answer = answer.unwrap_or_else(|panicked| {
                Outcome::Error(inner.0.panicked("a request for skills", &panicked))
            });
            let _ = inner.complete(id, answer);
        };
        if !self.skills.work.run(port.share_of(id), Box::new(job)) {
            let busy = RpcError::busy("Server busy: no thread can be started to read files");
            let _ = port.complete(id, Outcome::Error(busy));
        }
    }
}
