//! Entries of every kind, as a program registers them.

use crate::dispatch::registry::mount_names::Prefix;
use crate::dispatch::validation::arguments::UnknownArguments;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use crate::proto::operation::Method;
use crate::proto::session::extension::Extension;
use crate::proto::session::task::TaskSupport;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// A value of a host; only the time when it is dropped matters here.
pub(super) type Retained = Arc<dyn Any + Send + Sync>;

/// An entry to register: its kind, its name, its definition, its policies. The types of one kind
/// ([`Tool`](crate::Tool) and the others) convert to it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) definition: Definition,
    pub(super) structured: bool,
    pub(super) unknown: UnknownArguments,
    pub(super) coerce: Option<bool>,
    pub(super) timeout: Option<Duration>,
    pub(super) max_concurrency: Option<usize>,
    pub(super) cache: Option<CacheHints>,
    pub(super) hidden: bool,
    pub(super) tags: Vec<String>,
    pub(super) once_only: bool,
    pub(super) unsafe_paths: bool,
    pub(super) defer_task: bool,
    pub(super) inline: bool,
    pub(super) paged: bool,
    pub(super) stays: bool,
    pub(super) extension: Option<Extension>,
    /// The mounts through which the entry appears, the outermost first.
    pub(super) under: Vec<Prefix>,
    pub(super) kept: Option<Retained>,
    /// The error of a member that was set; registration reports it.
    pub(super) rejected: Option<String>,
}

impl Entry {
    fn of(kind: Kind, definition: Result<Definition, String>) -> Entry {
        let (definition, rejected) = match definition {
            Ok(definition) => (definition, None),
            Err(reason) => (Definition::new(kind), Some(reason)),
        };
        let unknown = UnknownArguments::default();
        Entry {
            definition,
            structured: false,
            unknown,
            coerce: None,
            timeout: None,
            max_concurrency: None,
            cache: None,
            hidden: false,
            tags: Vec::new(),
            once_only: false,
            unsafe_paths: false,
            defer_task: false,
            inline: false,
            paged: false,
            stays: false,
            extension: None,
            under: Vec::new(),
            kept: None,
            rejected,
        }
    }

    /// An entry with only its name. The name of a resource is its URI; that of a template or a provider is the
    /// template.
    pub fn new(kind: Kind, name: impl AsRef<str>) -> Entry {
        Entry::of(kind, Definition::named(kind, name.as_ref()))
    }

    /// A completion: suggestions for an argument of a prompt, or for a variable of a resource template, as `kind`
    /// says. `of` is the prompt's name or the template.
    pub fn completion(kind: Kind, of: impl AsRef<str>, argument: impl AsRef<str>) -> Entry {
        Entry::of(Kind::Completion, Definition::completion(kind, of.as_ref(), argument.as_ref()))
    }

    /// An entry with the members of a JSON object, in the newest revision's form.
    pub fn from_json(kind: Kind, definition: &JsonSlice) -> Entry {
        let mut entry = Entry::of(kind, Definition::from_json(kind, definition));
        entry.structured = entry.definition.member("outputSchema").is_some();
        entry
    }

    /// Sets a member of the definition, such as `title` or `inputSchema` (also as `input_schema`), in the newest
    /// revision's form. If this kind does not have the member, or the value is wrong, registration fails with an
    /// error that names it.
    pub fn set(mut self, member: &str, value: JsonSlice) -> Entry {
        if let Err(reason) = self.definition.set(member, value) {
            self.rejected.get_or_insert(reason);
        } else if self.definition.member("outputSchema").is_some() {
            self.structured = true;
        }
        self
    }

    /// Sets a member whose value is a string.
    pub fn set_text(self, member: &str, text: impl AsRef<str>) -> Entry {
        let mut value = JsonWriter::new();
        value.str(text.as_ref());
        self.set(member, value.into_slice())
    }

    /// Whether a JSON value that a tool returns is also sent as structured content, next to its text. Default: no, or yes
    /// with an output schema.
    pub fn structured(mut self, structured: bool) -> Entry {
        self.structured = structured || self.definition.member("outputSchema").is_some();
        self
    }

    /// How the engine treats arguments for which the input schema has no properties. Default: as the schema says.
    ///
    /// Registration fails if unknown arguments cannot be distinguished from known ones. That is so if the schema, or
    /// a branch of it, has a `$ref` beside its properties, or `patternProperties`.
    pub fn unknown_arguments(mut self, policy: UnknownArguments) -> Entry {
        self.unknown = policy;
        self
    }

    /// Whether invalid arguments are checked a second time, with strings converted to the numbers, booleans, arrays
    /// and objects that they represent. Default:
    /// [`ServerBuilder::coerce_arguments`](crate::ServerBuilder::coerce_arguments).
    pub fn coerce_arguments(mut self, coerce: bool) -> Entry {
        self.coerce = Some(coerce);
        self
    }

    /// The timeout of one call. Default: [`Limits::call_timeout`](crate::Limits::call_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Entry {
        self.timeout = Some(timeout);
        self
    }

    /// The maximum number of concurrent calls. Further calls wait in the order in which they arrived. The timeout
    /// applies to the waiting time, and starts again when the call runs.
    /// [`Limits::max_waiting_calls`](crate::Limits::max_waiting_calls) limits how many calls wait. A call that waits
    /// for an answer of its client counts as running, unless its attempt has ended with the question. Default: no
    /// limit.
    pub fn max_concurrency(mut self, calls: usize) -> Entry {
        self.max_concurrency = Some(calls);
        self
    }

    /// How long the contents of a resource or a template may be cached, and by whom. Default: the server's setting.
    pub fn cache(mut self, hints: CacheHints) -> Entry {
        self.cache = Some(hints);
        self
    }

    /// Declares that a method answers a request of the protocol in place of the engine. Registration fails if the
    /// protocol has no such request.
    pub fn replacing(mut self) -> Entry {
        let name = self.name();
        let reason = match (self.kind(), Method::parse(name.into())) {
            (Kind::Method, Method::Known(_)) => return self,
            (Kind::Method, _) => "the protocol has no such request",
            _ => "only a method can replace a request of the protocol",
        };
        let reason = format!("{} {:?}: {reason}", self.kind().noun(), clip(name));
        self.rejected.get_or_insert(reason);
        self
    }

    /// Leaves the entry out of every list. It can still be called. This is for the template of a resource provider.
    pub fn hidden(mut self) -> Entry {
        self.hidden = true;
        self
    }

    /// Tags by which [`Server::disable_tags`](crate::Server::disable_tags) hides entries, and by which they are shown
    /// again. Clients do not see them. At most 64 tags of at most 128 bytes each.
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Entry {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Lets a client of 2026-07-28 use each `requestState` only once, over all replicas that share the server's
    /// [store](crate::ServerBuilder::store). If a client sends the same round again, the handler does not run again.
    pub fn once_only(mut self, once_only: bool) -> Entry {
        self.once_only = once_only;
        self
    }

    /// Whether values of a resource template's variables may lead out of a folder that the handler appends them to.
    /// `{+x}` may then be an absolute path or start with a drive (`C:`), and values of a query or a fragment may have
    /// segments `..`. Default: no; addresses with such values do not match the template. Kinds without variables
    /// refuse this setting.
    pub fn unsafe_paths(mut self, allowed: bool) -> Entry {
        self.unsafe_paths = allowed;
        self
    }

    /// Whether calls of a tool may, or must, become tasks, which outlive their connection. Default: never. It is the
    /// same as setting the member `execution`.
    pub fn task_support(self, support: TaskSupport) -> Entry {
        let value = serde_json::json!({ "taskSupport": support.as_str() });
        self.set("execution", JsonSlice::from_value(&value))
    }

    /// In 2026-07-28, a call of the tool becomes a task only if its handler asks for it
    /// ([`Context::start_task`](crate::Context::start_task)). Until then its questions are asked in rounds, as in any
    /// other call. A call that does not become a task gets an ordinary response. Default: a call is a task from its
    /// start.
    pub fn defer_task(mut self, defer: bool) -> Entry {
        self.defer_task = defer;
        self
    }

    /// Makes a handler written in Rust start on the thread that received the call. If its first poll completes, the
    /// call is answered at once. Otherwise it continues like any other handler. It is polled inside the program's
    /// tokio runtime.
    ///
    /// Such a handler must not block or compute for long before its first await. During that time the thread reads
    /// nothing, neither from this client nor from others.
    pub fn inline(mut self) -> Entry {
        self.inline = true;
        self
    }

    /// Declares that a server with this entry has an extension.
    pub(crate) fn of_extension(mut self, extension: Extension) -> Entry {
        self.extension = Some(extension);
        self
    }

    /// Declares that the result of a method is a page of a list. `cursor` and `nextCursor` are strings of the
    /// handler; clients get sealed ones.
    pub(crate) fn paged(mut self) -> Entry {
        self.paged = true;
        self
    }

    /// Keeps the entry in its own server: it does not appear where that server is mounted.
    pub(crate) fn staying(mut self) -> Entry {
        self.stays = true;
        self
    }

    /// Keeps a value until the entry is removed and the last of its calls has ended. So a host can learn from the
    /// value's drop that the handler is no longer needed. It is dropped on any thread.
    pub fn keep(mut self, value: Arc<dyn Any + Send + Sync>) -> Entry {
        self.kept = Some(value);
        self
    }

    /// The entry for a server in which its own is mounted. `None` if it stays with its server; the error if it cannot
    /// be there.
    pub(crate) fn mounted(&self, prefix: &Prefix) -> Option<Result<Entry, String>> {
        if self.stays || matches!(self.kind(), Kind::Method | Kind::Notification | Kind::Hook) {
            return None;
        }
        let mut entry = self.clone();
        entry.under.insert(0, prefix.clone());
        if let Err(reason) = entry.definition.rename(|kind, name| prefix.name(kind, name)) {
            return Some(Err(reason));
        }
        Some(Ok(entry))
    }

    /// The kind of the entry.
    pub fn kind(&self) -> Kind {
        self.definition.kind()
    }

    /// The name under which it is registered.
    pub fn name(&self) -> &str {
        self.definition.name()
    }
}
