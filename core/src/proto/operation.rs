//! The operations of the protocol: one table of what can be said, in which revision, and what it takes to answer it.

use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::extension::{Extension, Extensions};
use crate::proto::version::Revision;
use std::borrow::Cow;

/// What a client can say to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `tools/call`
    ToolsCall,
    /// `tools/list`
    ToolsList,
    /// `resources/read`
    ResourcesRead,
    /// `resources/list`
    ResourcesList,
    /// `resources/templates/list`
    TemplatesList,
    /// `prompts/get`
    PromptsGet,
    /// `prompts/list`
    PromptsList,
    /// `completion/complete`
    Complete,
    /// `skills/list`
    SkillsList,
    /// `skills/get`
    SkillsGet,
    /// `resources/directory/read`
    DirectoryRead,
    /// `resources/subscribe`
    Subscribe,
    /// `resources/unsubscribe`
    Unsubscribe,
    /// `subscriptions/listen`
    Listen,
    /// `logging/setLevel`
    SetLevel,
    /// `tasks/get`
    TasksGet,
    /// `tasks/update`
    TasksUpdate,
    /// `tasks/cancel`
    TasksCancel,
    /// `tasks/result`
    TasksResult,
    /// `tasks/list`
    TasksList,
    /// `ping`
    Ping,
    /// `server/discover`
    Discover,
    /// `initialize`
    Initialize,
    /// `notifications/initialized`
    Initialized,
    /// `notifications/cancelled`
    Cancelled,
    /// `notifications/roots/list_changed`
    RootsChanged,
}

impl Op {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        OPERATIONS.iter().find(|operation| operation.op == self).map_or("", |operation| operation.name)
    }

    /// The member of its result that holds a list.
    pub(crate) fn list(self) -> &'static str {
        OPERATIONS.iter().find(|operation| operation.op == self).map_or("", |operation| operation.list)
    }
}

/// Whether an operation wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It does.
    Request,
    /// It is never answered.
    Notification,
}

/// What answering an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The engine alone.
    Nothing,
    /// The list of the entries of a kind.
    List(Kind),
    /// The handler of an entry.
    Handler,
}

/// One row.
#[derive(Debug)]
pub struct Operation {
    /// What it is.
    pub op: Op,
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it wants an answer.
    pub form: Form,
    /// The first and the last revision that have it.
    pub revisions: (Revision, Revision),
    /// What answering it takes.
    pub needs: Needs,
    /// The member of `params` that names what it is about (MH-15).
    pub target: Option<&'static str>,
    /// Whether its header may be left out (MH-17).
    pub may_be_unnamed: bool,
    /// The server capability that it is behind.
    pub capability: Option<Capability>,
    /// The extension that it is part of.
    pub extension: Option<Extension>,
    /// The member of its result that holds a list.
    pub list: &'static str,
}

const OLDEST: Revision = Revision::V2024_11_05;
const NEWEST: Revision = Revision::V2026_07_28;
const ALL: (Revision, Revision) = (OLDEST, NEWEST);
const LEGACY: (Revision, Revision) = (OLDEST, Revision::NEWEST_LEGACY);
const MODERN: (Revision, Revision) = (NEWEST, NEWEST);
/// Where tasks were an experiment.
const TASKS: (Revision, Revision) = (Revision::V2025_11_25, Revision::V2025_11_25);

const fn request(op: Op, name: &'static str, revisions: (Revision, Revision), needs: Needs) -> Operation {
    Operation {
        op,
        name,
        form: Form::Request,
        revisions,
        needs,
        target: None,
        may_be_unnamed: false,
        capability: None,
        extension: None,
        list: "",
    }
}

const fn handled(op: Op, name: &'static str, target: Option<&'static str>, of: Capability) -> Operation {
    Operation { target, capability: Some(of), ..request(op, name, ALL, Needs::Handler) }
}

const fn listed(op: Op, name: &'static str, kind: Kind, list: &'static str, of: Capability) -> Operation {
    Operation { capability: Some(of), list, ..request(op, name, ALL, Needs::List(kind)) }
}

/// A request of sessions, which the engine answers.
const fn owned(op: Op, name: &'static str, of: Capability) -> Operation {
    Operation { capability: Some(of), ..request(op, name, LEGACY, Needs::Nothing) }
}

const fn of_skills(op: Op, name: &'static str, list: &'static str) -> Operation {
    Operation { extension: Some(Extension::Skills), list, ..request(op, name, ALL, Needs::Handler) }
}

const fn task(op: Op, name: &'static str, revisions: (Revision, Revision)) -> Operation {
    let row = request(op, name, revisions, Needs::Nothing);
    Operation { target: Some("taskId"), may_be_unnamed: true, capability: Some(Capability::Tasks), ..row }
}

const fn notification(op: Op, name: &'static str, revisions: (Revision, Revision)) -> Operation {
    Operation { form: Form::Notification, ..request(op, name, revisions, Needs::Nothing) }
}

/// Every operation, those that are said most often first (digest 2.7).
pub static OPERATIONS: &[Operation] = &[
    handled(Op::ToolsCall, "tools/call", Some("name"), Capability::Tools),
    listed(Op::ToolsList, "tools/list", Kind::Tool, "tools", Capability::Tools),
    handled(Op::ResourcesRead, "resources/read", Some("uri"), Capability::Resources),
    handled(Op::PromptsGet, "prompts/get", Some("name"), Capability::Prompts),
    request(Op::Ping, "ping", LEGACY, Needs::Nothing),
    request(Op::Discover, "server/discover", MODERN, Needs::Nothing),
    request(Op::Initialize, "initialize", LEGACY, Needs::Nothing),
    listed(Op::ResourcesList, "resources/list", Kind::Resource, "resources", Capability::Resources),
    listed(
        Op::TemplatesList,
        "resources/templates/list",
        Kind::ResourceTemplate,
        "resourceTemplates",
        Capability::Resources,
    ),
    listed(Op::PromptsList, "prompts/list", Kind::Prompt, "prompts", Capability::Prompts),
    handled(Op::Complete, "completion/complete", None, Capability::Completions),
    of_skills(Op::SkillsList, "skills/list", "skills"),
    of_skills(Op::SkillsGet, "skills/get", ""),
    of_skills(Op::DirectoryRead, "resources/directory/read", "resources"),
    owned(Op::Subscribe, "resources/subscribe", Capability::Resources),
    owned(Op::Unsubscribe, "resources/unsubscribe", Capability::Resources),
    // Served whatever the server has (SU-12).
    request(Op::Listen, "subscriptions/listen", MODERN, Needs::Nothing),
    owned(Op::SetLevel, "logging/setLevel", Capability::Logging),
    task(Op::TasksGet, "tasks/get", (Revision::V2025_11_25, NEWEST)),
    task(Op::TasksUpdate, "tasks/update", MODERN),
    task(Op::TasksCancel, "tasks/cancel", (Revision::V2025_11_25, NEWEST)),
    task(Op::TasksResult, "tasks/result", TASKS),
    Operation {
        list: "tasks",
        capability: Some(Capability::TaskList),
        ..request(Op::TasksList, "tasks/list", TASKS, Needs::Nothing)
    },
    notification(Op::Initialized, "notifications/initialized", LEGACY),
    notification(Op::Cancelled, "notifications/cancelled", ALL),
    notification(Op::RootsChanged, "notifications/roots/list_changed", LEGACY),
];

/// Operations that middleware can be put around, by the words of programs.
const WORDS: [(&str, Op); 8] = [
    ("tool", Op::ToolsCall),
    ("resource", Op::ResourcesRead),
    ("prompt", Op::PromptsGet),
    ("completion", Op::Complete),
    ("tool_list", Op::ToolsList),
    ("resource_list", Op::ResourcesList),
    ("resource_template_list", Op::TemplatesList),
    ("prompt_list", Op::PromptsList),
];

/// The words that stand for what middleware is put around unless a program says otherwise: calls of handlers.
pub const CALLS: [&str; 4] = ["tool", "resource", "prompt", "completion"];

/// The name of the operation that a word of programs stands for, or that is given as it is; nothing for what the protocol
/// does not have. The error says what cannot be wrapped: what the engine alone answers.
pub fn wrapped(word: &str) -> Result<Option<&'static str>, String> {
    let op = WORDS.iter().find(|(own, _)| *own == word).map(|(_, op)| *op);
    match OPERATIONS.iter().find(|row| Some(row.op) == op || row.name == word) {
        Some(row) if row.form == Form::Request && row.needs != Needs::Nothing => Ok(Some(row.name)),
        Some(row) => Err(format!("{:?} cannot have middleware, because the engine answers it", row.name)),
        None => Ok(None),
    }
}

/// The words that [`wrapped`] knows.
pub fn wrapped_words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().map(|(word, _)| word)
}

/// What the engine says of its own accord.
pub mod outgoing {
    /// A question is withdrawn.
    pub const CANCELLED: &str = "notifications/cancelled";

    /// The notifications of the protocol that a server sends; a program's own have other names.
    pub const NOTIFICATIONS: &[&str] = &[
        CANCELLED,
        "notifications/progress",
        "notifications/message",
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/subscriptions/acknowledged",
        "notifications/elicitation/complete",
        "notifications/tasks",
        "notifications/tasks/status",
    ];
    /// A task has changed (2025-11-25).
    pub const TASK_STATUS: &str = "notifications/tasks/status";
}

/// The names of what clients can say in a revision.
pub fn names_in(revision: Revision) -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().filter(move |operation| operation.exists_in(revision)).map(|operation| operation.name)
}

impl Operation {
    fn exists_in(&self, revision: Revision) -> bool {
        (self.revisions.0..=self.revisions.1).contains(&revision)
    }
}

/// The method that a message names.
#[derive(Clone, Debug)]
pub enum Method {
    /// One of the table's.
    Known(&'static Operation),
    /// A name the protocol does not have, or not toward a server.
    Unknown(String),
}

impl Method {
    /// Reads a wire name.
    pub fn parse(name: Cow<'_, str>) -> Method {
        match OPERATIONS.iter().find(|operation| operation.name == name) {
            Some(operation) => Method::Known(operation),
            None => Method::Unknown(name.into_owned()),
        }
    }

    /// The wire name.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Known(operation) => operation.name,
            Method::Unknown(name) => name,
        }
    }

    /// Whether this is `op`.
    pub fn is(&self, op: Op) -> bool {
        matches!(self, Method::Known(operation) if operation.op == op)
    }

    /// Whether a request becomes a call, which is looked up when it is tracked.
    pub fn needs_handler(&self) -> bool {
        matches!(self, Method::Known(Operation { needs: Needs::Handler, .. }))
    }

    /// Whether a request of this name means something in `revision`; one that the protocol does not have always does.
    pub fn may_be_asked_in(&self, revision: Revision) -> bool {
        match self {
            Method::Known(operation) => operation.form == Form::Request && operation.exists_in(revision),
            Method::Unknown(_) => true,
        }
    }

    /// Whether a program may answer it itself: what is about entries, and what the protocol does not have.
    pub fn is_open(&self) -> bool {
        match self {
            Method::Known(operation) => operation.needs != Needs::Nothing,
            Method::Unknown(_) => true,
        }
    }

    /// The member of `params` that names what a request is about, where the method has one (MH-15).
    pub fn target(&self) -> Option<&'static str> {
        match self {
            Method::Known(operation) => operation.target,
            Method::Unknown(_) => None,
        }
    }

    /// Whether the header that names what a request is about may be left out (MH-17).
    pub fn may_be_unnamed(&self) -> bool {
        matches!(self, Method::Known(operation) if operation.may_be_unnamed)
    }

    /// The request of this name in `revision`, if a server with these capabilities has it there; otherwise -32601.
    pub fn request_in(
        &self,
        revision: Revision,
        (served, extensions): (Capabilities, Extensions),
    ) -> Result<&'static Operation, RpcError> {
        if let Method::Known(operation) = self
            && operation.form == Form::Request
            && operation.exists_in(revision)
            && operation.capability.is_none_or(|capability| served.has(capability))
            && operation.extension.is_none_or(|extension| extensions.has(extension))
        {
            return Ok(operation);
        }
        Err(RpcError::method_not_found(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_operations_stand_in_the_table_once() {
        for (place, operation) in OPERATIONS.iter().enumerate() {
            assert!(operation.revisions.0 <= operation.revisions.1, "{}", operation.name);
            for other in &OPERATIONS[place + 1..] {
                assert!(operation.op != other.op && operation.name != other.name, "{}", other.name);
            }
        }
    }

    #[test]
    fn a_method_exists_where_the_protocol_has_it() {
        let all = (Capabilities::all(), Extensions::default());
        let answered = |name: &str, revision| Method::parse(name.into()).request_in(revision, all).is_ok();
        for revision in Revision::ALL {
            let modern = revision.is_modern();
            assert!(answered("tools/call", revision) && answered("tools/list", revision));
            assert_eq!(answered("initialize", revision), !modern);
            assert_eq!(answered("ping", revision), !modern);
            assert_eq!(answered("server/discover", revision), modern);
            let skills = (Capabilities::default(), Extensions::default().with(Extension::Skills));
            assert!(Method::parse("skills/list".into()).request_in(revision, skills).is_ok());
            for never in ["notifications/initialized", "elicitation/create", "TOOLS/LIST", "skills/list", ""]
            {
                assert!(!answered(never, revision), "{never}");
            }
        }
    }
}
