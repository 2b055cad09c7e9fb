//! The methods of the protocol as one table: the revisions that have them, and what is needed to answer them.

use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::extension::{Extension, Extensions};
use crate::proto::version::Revision;
use std::borrow::Cow;

/// A method that a client can call.
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
    /// The method's name in messages.
    pub fn name(self) -> &'static str {
        OPERATIONS.iter().find(|operation| operation.op == self).map_or("", |operation| operation.name)
    }

    /// The member of the method's result that contains the list.
    pub(crate) fn list(self) -> &'static str {
        OPERATIONS.iter().find(|operation| operation.op == self).map_or("", |operation| operation.list)
    }
}

/// Whether a method is a request or a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The method gets a response.
    Request,
    /// The method gets no response.
    Notification,
}

/// What is needed to answer a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Only the engine.
    Nothing,
    /// The list of the entries of a kind.
    List(Kind),
    /// The handler of an entry.
    Handler,
}

/// A row of the table.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub op: Op,
    /// The method's name in messages.
    pub name: &'static str,
    /// Whether the method is a request or a notification.
    pub form: Form,
    /// The first and the last revision that have the method.
    pub revisions: (Revision, Revision),
    /// What is needed to answer the method.
    pub needs: Needs,
    /// The member of `params` that names the requested entry, URI or task (MH-15).
    pub target: Option<&'static str>,
    /// Whether the header with that name may be missing (MH-17).
    pub may_be_unnamed: bool,
    /// The server capability that the method requires.
    pub capability: Option<Capability>,
    /// The extension that the method belongs to.
    pub extension: Option<Extension>,
    /// The member of the method's result that contains the list.
    pub list: &'static str,
}

const OLDEST: Revision = Revision::V2024_11_05;
const NEWEST: Revision = Revision::V2026_07_28;
const ALL: (Revision, Revision) = (OLDEST, NEWEST);
const LEGACY: (Revision, Revision) = (OLDEST, Revision::NEWEST_LEGACY);
const MODERN: (Revision, Revision) = (NEWEST, NEWEST);
/// The only revision with the experimental form of tasks.
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

/// A request that exists only in sessions, and that the engine answers.
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

/// All methods, the most frequent ones first (digest 2.7).
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
    // Served whatever capabilities the server has (SU-12).
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

/// The methods that can have middleware, with their names in the APIs.
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

/// The methods that middleware applies to by default: those that call handlers.
pub const CALLS: [&str; 4] = ["tool", "resource", "prompt", "completion"];

/// The method with this name in the APIs, or with this name in messages. `None` if the protocol has no such method. The
/// error is for methods that cannot have middleware, because only the engine answers them.
pub fn wrapped(word: &str) -> Result<Option<&'static str>, String> {
    let op = WORDS.iter().find(|(own, _)| *own == word).map(|(_, op)| *op);
    match OPERATIONS.iter().find(|row| Some(row.op) == op || row.name == word) {
        Some(row) if row.form == Form::Request && row.needs != Needs::Nothing => Ok(Some(row.name)),
        Some(row) => Err(format!("{:?} cannot have middleware, because the engine answers it", row.name)),
        None => Ok(None),
    }
}

/// The names that [`wrapped`] knows.
pub fn wrapped_words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().map(|(word, _)| word)
}

/// Messages that the engine sends on its own initiative.
pub mod outgoing {
    /// Withdraws a question.
    pub const CANCELLED: &str = "notifications/cancelled";

    /// The notifications of the protocol that a server sends. A program's own notifications have other names.
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

/// The names of the methods that a client can use in a revision.
pub fn names_in(revision: Revision) -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().filter(move |operation| operation.exists_in(revision)).map(|operation| operation.name)
}

impl Operation {
    fn exists_in(&self, revision: Revision) -> bool {
        (self.revisions.0..=self.revisions.1).contains(&revision)
    }
}

/// The method of a message.
#[derive(Clone, Debug)]
pub enum Method {
    /// A method of the table.
    Known(&'static Operation),
    /// A name that the protocol does not have, or that a client cannot send to a server.
    Unknown(String),
}

impl Method {
    /// The method with this name in messages.
    pub fn parse(name: Cow<'_, str>) -> Method {
        match OPERATIONS.iter().find(|operation| operation.name == name) {
            Some(operation) => Method::Known(operation),
            None => Method::Unknown(name.into_owned()),
        }
    }

    /// The name in messages.
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

    /// Whether a request becomes a call, whose entry is looked up when the call is tracked.
    pub fn needs_handler(&self) -> bool {
        matches!(self, Method::Known(Operation { needs: Needs::Handler, .. }))
    }

    /// Whether this is the list of a kind.
    pub fn lists(&self) -> bool {
        matches!(self, Method::Known(Operation { needs: Needs::List(_), .. }))
    }

    /// Whether `revision` has a request with this name. `true` for names that the protocol does not have.
    pub fn may_be_asked_in(&self, revision: Revision) -> bool {
        match self {
            Method::Known(operation) => operation.form == Form::Request && operation.exists_in(revision),
            Method::Unknown(_) => true,
        }
    }

    /// Whether a program may register a handler for this method. `true` for methods about entries, and for methods that
    /// the protocol does not have.
    pub fn is_open(&self) -> bool {
        match self {
            Method::Known(operation) => operation.needs != Needs::Nothing,
            Method::Unknown(_) => true,
        }
    }

    /// The member of `params` that names the requested entry, URI or task, if the method has one (MH-15).
    pub fn target(&self) -> Option<&'static str> {
        match self {
            Method::Known(operation) => operation.target,
            Method::Unknown(_) => None,
        }
    }

    /// Whether the header that repeats that member may be missing (MH-17).
    pub fn may_be_unnamed(&self) -> bool {
        matches!(self, Method::Known(operation) if operation.may_be_unnamed)
    }

    /// The request with this name in `revision`, if a server with these capabilities has it; otherwise error -32601.
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
