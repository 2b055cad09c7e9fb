//! Entries: what a program registers, of every kind, and the form they have once they are registered.

use crate::dispatch::calls::concurrency_limit::Semaphore;
use crate::dispatch::registry::mount_names::Prefix;
use crate::dispatch::uri_template::UriTemplate;
use crate::dispatch::validation::arguments::{Arguments, Policy, UnknownArguments, Unready};
use crate::dispatch::validation::headers::header_params;
use crate::dispatch::validation::prompt_arguments::PromptArguments;
use crate::dispatch::validation::schema::Schema;
use crate::error::Error;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::header_params::HeaderParam;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use crate::proto::operation::Method;
use crate::proto::results::structured::wraps;
use crate::proto::session::extension::Extension;
use crate::proto::session::task::TaskSupport;
use crate::proto::session::version::Revision;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The maximum number of tags per entry, and of bytes per tag.
const MAX_TAGS: usize = 64;
const MAX_TAG: usize = 128;

/// A value of a host; only the time when it is dropped matters here.
type Kept = Arc<dyn Any + Send + Sync>;

/// An entry to register: its kind, its name, its definition, its policies. The types of one kind
/// ([`Tool`](crate::Tool) and the others) convert to it.
#[derive(Clone, Debug)]
pub struct Entry {
    definition: Definition,
    structured: bool,
    unknown: UnknownArguments,
    coerce: Option<bool>,
    timeout: Option<Duration>,
    max_concurrency: Option<usize>,
    cache: Option<CacheHints>,
    hidden: bool,
    tags: Vec<String>,
    once_only: bool,
    unsafe_paths: bool,
    defer_task: bool,
    inline: bool,
    paged: bool,
    stays: bool,
    extension: Option<Extension>,
    /// The mounts through which the entry appears, the outermost first.
    under: Vec<Prefix>,
    kept: Option<Kept>,
    /// The error of a member that was set; registration reports it.
    rejected: Option<String>,
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
            (Kind::Method, _) => {
                "the protocol has no such request that could be answered in place of the engine"
            }
            _ => "only a method can replace another",
        };
        let reason = format!("{} {:?}: {reason}", self.kind().noun(), clip(name));
        self.rejected.get_or_insert(reason);
        self
    }

    /// Leaves the entry out of every list. It can still be called. For the template behind a provider.
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

/// A registered entry: its definition is checked, its schemas are compiled, its handler is known. The layer above
/// defines the type of the handler, `T`.
#[derive(Debug)]
pub struct Registered<T> {
    /// The kind of the entry.
    pub kind: Kind,
    /// The name under which it is registered.
    pub name: String,
    definition: Definition,
    /// Checks and prepares a client's input for the handler.
    pub(crate) input: Input,
    /// The arguments that HTTP clients must repeat in headers.
    pub(crate) header_params: Vec<HeaderParam>,
    /// Checks structured results.
    pub output: Option<Schema>,
    /// Whether results are also sent as structured content.
    pub structured: bool,
    /// Whether the schema allows structured content that is not an object.
    pub(crate) wraps: bool,
    /// The entry's own timeout.
    pub timeout: Option<Duration>,
    /// The calls that run and those that wait, if the entry limits concurrent calls.
    pub(crate) places: Option<Semaphore>,
    /// How long its results may be cached, and by whom.
    pub(crate) cache: Option<CacheHints>,
    /// Whether it is left out of every list.
    pub(crate) hidden: bool,
    /// The tags by which it can be hidden.
    pub(crate) tags: Vec<String>,
    /// Whether a request's state may be used only once.
    pub(crate) once_only: bool,
    /// Whether its calls may be tasks.
    pub(crate) task_support: TaskSupport,
    /// Whether a handler decides when its call becomes a task.
    pub(crate) defer_task: bool,
    /// Whether a handler in Rust starts on the thread that received its call.
    pub(crate) inline: bool,
    /// Whether it lists in pages, whose cursors are sealed.
    pub(crate) paged: bool,
    /// The extension that a server with this entry has.
    pub(crate) extension: Option<Extension>,
    /// Where calls go.
    pub target: T,
    /// The mounts through which the entry appears, the outermost first.
    pub(crate) under: Vec<Prefix>,
    /// The number of the server in which it was registered; none if that does not matter.
    pub(crate) part: usize,
    /// The entry as it was registered, from which it is made again if its server is mounted.
    pub(crate) source: Entry,
    kept: Option<Kept>,
}

/// How a client's input is prepared for a handler.
#[derive(Debug)]
pub(crate) enum Input {
    /// It is passed on unchanged.
    Open,
    /// It is checked against a schema.
    Schema(Box<Arguments>),
    /// It is checked against the arguments that a prompt declares.
    Prompt(PromptArguments),
    /// An address is matched against a template.
    Template(Arc<UriTemplate>),
}

impl<T> Registered<T> {
    /// Checks the definition and compiles its schemas. Errors name the entry and the reason. `policy` is the
    /// server's; it applies to everything that the entry does not set.
    pub fn new(entry: Entry, target: T, policy: Policy) -> Result<Registered<T>, Error> {
        let source = entry.clone();
        let Entry {
            mut definition,
            structured,
            unknown,
            coerce,
            timeout,
            max_concurrency,
            cache,
            hidden,
            tags,
            once_only,
            unsafe_paths,
            defer_task,
            inline,
            paged,
            stays: _,
            extension,
            under,
            kept,
            rejected,
        } = entry;
        if let Some(reason) = rejected {
            return Err(Error::invalid(reason));
        }
        definition.finish().map_err(Error::invalid)?;
        let kind = definition.kind();
        let name = definition.name().to_owned();
        let wrong = |reason: String| Error::invalid(format!("{} {:?}: {reason}", kind.noun(), clip(&name)));
        let policy = Policy { unknown, coerce: coerce.unwrap_or(policy.coerce), ..policy };
        if unsafe_paths && !matches!(kind, Kind::ResourceTemplate | Kind::ResourceProvider) {
            return Err(wrong("unsafe_paths is for resource templates and providers".into()));
        }
        if kind == Kind::Method && !Method::parse(name.as_str().into()).is_open() {
            return Err(wrong("the engine itself answers it".into()));
        }
        let mut headers = Vec::new();
        let input = match (kind, definition.member("inputSchema").cloned()) {
            (_, Some(schema)) => {
                if kind == Kind::Tool {
                    headers =
                        header_params(&schema).map_err(|error| wrong(format!("input schema: {error}")))?;
                }
                let arguments = Arguments::new(schema, policy)
                    .map_err(|error| wrong(format!("input schema: {error}")))?;
                if !arguments.schema().is_object() {
                    return Err(wrong("input schema: must have \"type\": \"object\"".into()));
                }
                Input::Schema(Box::new(arguments))
            }
            (Kind::Prompt, _) => Input::Prompt(PromptArguments::new(definition.member("arguments"))?),
            (Kind::ResourceTemplate, _) => {
                let template = UriTemplate::parse(&name).map_err(wrong)?;
                Input::Template(Arc::new(template.unsafe_paths(unsafe_paths)))
            }
            _ => Input::Open,
        };
        let output = definition.member("outputSchema").cloned();
        let output = output
            .map(|schema| Schema::compile_with(schema, policy.formats))
            .transpose()
            .map_err(|error| wrong(format!("output schema: {error}")))?;
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(wrong("timeout must be more than zero".into()));
        }
        if let Some(tag) = tags.iter().find(|tag| tag.is_empty() || tag.len() > MAX_TAG) {
            return Err(wrong(format!("tag {:?} must have 1 to {MAX_TAG} bytes", clip(tag))));
        }
        if tags.len() > MAX_TAGS {
            return Err(wrong(format!("{} tags are more than {MAX_TAGS}", tags.len())));
        }
        if max_concurrency == Some(0) {
            return Err(wrong("max_concurrency must be more than zero".into()));
        }
        // A view, or a tool that has one.
        let has_view = definition.view().is_some() || kind == Kind::Resource && name.starts_with("ui://");
        let extension = extension.or(has_view.then_some(Extension::Ui));
        let support = definition.member("execution").and_then(|execution| execution.member("taskSupport"));
        let support = support.as_ref().and_then(|word| word.decode_str());
        let task_support = support.and_then(|word| TaskSupport::named(&word)).unwrap_or_default();
        if defer_task && task_support == TaskSupport::Forbidden {
            return Err(wrong("only a task can be deferred: set its task support".into()));
        }
        Ok(Registered {
            kind,
            input,
            extension,
            paged,
            header_params: headers,
            wraps: output.as_ref().is_some_and(|schema| wraps(schema.text())),
            output,
            structured,
            timeout,
            places: max_concurrency.map(Semaphore::new),
            cache,
            hidden,
            tags,
            once_only,
            task_support,
            defer_task,
            inline,
            target,
            name,
            definition,
            under,
            part: 0,
            source,
            kept,
        })
    }

    /// Prepares a client's input for the handler, or returns why it is not valid.
    pub fn prepare(&self, input: JsonSlice) -> Result<JsonSlice, String> {
        crate::faults::pass("check");
        match &self.input {
            Input::Schema(arguments) => arguments.prepare(input),
            Input::Prompt(arguments) => arguments.prepare(input),
            Input::Open | Input::Template(_) => Ok(input),
        }
    }

    /// Does the same with limited effort, so that the thread that received the call can do it.
    pub(crate) fn prepare_quickly(&self, input: JsonSlice) -> Result<JsonSlice, Unready> {
        crate::faults::pass("check");
        match &self.input {
            Input::Schema(arguments) => arguments.prepare_quickly(input),
            Input::Prompt(arguments) => arguments.prepare(input).map_err(Unready::Refused),
            Input::Open | Input::Template(_) => Ok(input),
        }
    }

    /// Whether a prompt has an argument of this name, or a template a variable.
    pub fn has_argument(&self, name: &str) -> bool {
        self.arguments().any(|own| own == name)
    }

    /// The arguments of a prompt, or the variables of a template.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        let (prompt, template) = match &self.input {
            Input::Prompt(arguments) => (Some(arguments.names()), None),
            Input::Template(template) => (None, Some(template.variables())),
            Input::Open | Input::Schema(_) => (None, None),
        };
        prompt.into_iter().flatten().chain(template.into_iter().flatten())
    }

    /// The value of [`Entry::keep`]. A host recognises its own handler by it, also if the entry belongs to a mounted
    /// server.
    pub fn kept(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.kept.as_ref()
    }

    /// Whether the entry came by this mount.
    pub(crate) fn is_of(&self, mount: &Prefix) -> bool {
        self.under.first() == Some(mount)
    }

    /// The definition.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Writes the entry as an item of its list.
    pub fn describe(&self, revision: Revision, out: &mut JsonWriter) {
        self.definition.write(revision, out);
    }
}

/// The form in messages: `tool "add"`.
impl<T> fmt::Display for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind.noun(), self.name)
    }
}
