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

/// Tags of one entry, and bytes of one tag.
const MAX_TAGS: usize = 64;
const MAX_TAG: usize = 128;

/// Something of a host's, of which only the end matters here.
type Kept = Arc<dyn Any + Send + Sync>;

/// Something to register: its kind, its name, its definition, its policies. The types of one kind ([`Tool`](crate::Tool) and
/// the others) turn into it.
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
    /// The mounts that it is seen through, the outermost first.
    under: Vec<Prefix>,
    kept: Option<Kept>,
    /// What is wrong with a member that was set; registering reports it.
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

    /// An entry with nothing but its name: for resources the URI, for templates and providers the template.
    pub fn new(kind: Kind, name: impl AsRef<str>) -> Entry {
        Entry::of(kind, Definition::named(kind, name.as_ref()))
    }

    /// Suggestions for an argument of a prompt, or for a variable of a resource template, as `kind` says. `of` is the
    /// prompt's name or the template.
    pub fn completion(kind: Kind, of: impl AsRef<str>, argument: impl AsRef<str>) -> Entry {
        Entry::of(Kind::Completion, Definition::completion(kind, of.as_ref(), argument.as_ref()))
    }

    /// An entry whose members are those of a JSON object, as the newest revision writes them.
    pub fn from_json(kind: Kind, definition: &JsonSlice) -> Entry {
        let mut entry = Entry::of(kind, Definition::from_json(kind, definition));
        entry.structured = entry.definition.member("outputSchema").is_some();
        entry
    }

    /// Sets a member of the definition, such as `title` or `inputSchema` (`input_schema` does as well), as the newest
    /// revision writes it. A member that this kind does not have, or a wrong value, makes registering fail with an error
    /// that names it.
    pub fn set(mut self, member: &str, value: JsonSlice) -> Entry {
        if let Err(reason) = self.definition.set(member, value) {
            self.rejected.get_or_insert(reason);
        } else if self.definition.member("outputSchema").is_some() {
            self.structured = true;
        }
        self
    }

    /// Sets a member that is text.
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

    /// What becomes of arguments that the input schema has no properties for. Default: what the schema says.
    ///
    /// Registration fails where they cannot be told from known ones: if the schema, or a branch of it, has a `$ref`
    /// beside its properties, or `patternProperties`.
    pub fn unknown_arguments(mut self, policy: UnknownArguments) -> Entry {
        self.unknown = policy;
        self
    }

    /// Whether arguments that do not conform are checked once more with the numbers, booleans, arrays and objects that
    /// texts among them stand for. Default: [`ServerBuilder::coerce_arguments`](crate::ServerBuilder::coerce_arguments).
    pub fn coerce_arguments(mut self, coerce: bool) -> Entry {
        self.coerce = Some(coerce);
        self
    }

    /// How long one call may run. Default: [`Limits::call_timeout`](crate::Limits::call_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Entry {
        self.timeout = Some(timeout);
        self
    }

    /// How many of its calls may run at a time. Others wait for their turn, in the order they came and within their
    /// time-out, which begins anew when they run; [`Limits::max_waiting_calls`](crate::Limits::max_waiting_calls) bounds
    /// how many wait. A call that waits for an answer of its client runs, too, unless its attempt has ended with the
    /// question. Default: any number.
    pub fn max_concurrency(mut self, calls: usize) -> Entry {
        self.max_concurrency = Some(calls);
        self
    }

    /// How long and by whom what is read may be kept, of a resource or a template. Default: the server's.
    pub fn cache(mut self, hints: CacheHints) -> Entry {
        self.cache = Some(hints);
        self
    }

    /// Says of a method that it answers a request of the protocol's in place of the engine. Registering fails if the protocol
    /// has no such request.
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

    /// Leaves the entry out of every list; it can be called all the same. For the template behind a provider.
    pub fn hidden(mut self) -> Entry {
        self.hidden = true;
        self
    }

    /// Words by which [`Server::disable_tags`](crate::Server::disable_tags) hides entries, and shows them again; clients do not
    /// see them. At most 64 of at most 128 bytes each.
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

    /// Whether values of a resource template's variables may lead out of a folder that the handler appends them to: `{+x}`
    /// may be an absolute path or start with a drive (`C:`), and values of a query or a fragment may have segments `..`.
    /// Default: no, addresses with such values do not fit the template. Kinds without variables refuse it.
    pub fn unsafe_paths(mut self, allowed: bool) -> Entry {
        self.unsafe_paths = allowed;
        self
    }

    /// Whether calls of a tool may, or must, become tasks, which outlive their connection. Default: they never do. The
    /// same as setting the member `execution`.
    pub fn task_support(self, support: TaskSupport) -> Entry {
        let value = serde_json::json!({ "taskSupport": support.as_str() });
        self.set("execution", JsonSlice::from_value(&value))
    }

    /// A call of the tool becomes a task in 2026-07-28 only if its handler says so
    /// ([`Context::start_task`](crate::Context::start_task)). Until then its questions are asked in rounds, as in any other
    /// call. If it needs no task, it is answered at once. Default: a call is a task from its beginning.
    pub fn defer_task(mut self, defer: bool) -> Entry {
        self.defer_task = defer;
        self
    }

    /// Has a handler written in Rust begin on the thread that received the call. Where its first poll comes to an end the
    /// call is answered at once; otherwise it goes on like any other handler's. It is polled inside the program's tokio
    /// runtime.
    ///
    /// Such a handler must not block, nor compute for long, before its first wait: meanwhile that thread reads nothing, be it
    /// of this client or of others.
    pub fn inline(mut self) -> Entry {
        self.inline = true;
        self
    }

    /// Says that a server with it has an extension.
    pub(crate) fn of_extension(mut self, extension: Extension) -> Entry {
        self.extension = Some(extension);
        self
    }

    /// Says of a method that what it comes to is a page of a list: its `cursor` and `nextCursor` are texts of the handler's own,
    /// of which clients get sealed ones.
    pub(crate) fn paged(mut self) -> Entry {
        self.paged = true;
        self
    }

    /// Has the entry stay with its server where that is mounted.
    pub(crate) fn staying(mut self) -> Entry {
        self.stays = true;
        self
    }

    /// Keeps a value until the entry is removed and the last of its calls has ended, so that a host can tell from the
    /// value's end when the handler is not needed any more. It is dropped on whatever thread lets go last.
    pub fn keep(mut self, value: Arc<dyn Any + Send + Sync>) -> Entry {
        self.kept = Some(value);
        self
    }

    /// The same where its server is mounted; nothing for what stays with its server, the error for what cannot be there.
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

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.definition.kind()
    }

    /// What it is registered under.
    pub fn name(&self) -> &str {
        self.definition.name()
    }
}

/// A registered entry: definition checked, schemas compiled, handler known. What a handler is, `T`, is up to the layer
/// above.
#[derive(Debug)]
pub struct Registered<T> {
    /// What it is.
    pub kind: Kind,
    /// What it is registered under.
    pub name: String,
    definition: Definition,
    /// Makes what a client sends ready for the handler.
    pub(crate) input: Input,
    /// The arguments that HTTP clients repeat in headers.
    pub(crate) header_params: Vec<HeaderParam>,
    /// Checks structured results.
    pub output: Option<Schema>,
    /// Whether results are also structured content.
    pub structured: bool,
    /// Whether that is no object by its schema.
    pub(crate) wraps: bool,
    /// The entry's own time-out.
    pub timeout: Option<Duration>,
    /// The calls that run and those that wait, where the entry bounds how many run at a time.
    pub(crate) places: Option<Semaphore>,
    /// How long and by whom its answers may be kept.
    pub(crate) cache: Option<CacheHints>,
    /// Whether it is in no list.
    pub(crate) hidden: bool,
    /// Words that it is hidden by.
    pub(crate) tags: Vec<String>,
    /// Whether a request's state may be used once.
    pub(crate) once_only: bool,
    /// Whether its calls may be tasks.
    pub(crate) task_support: TaskSupport,
    /// Whether a handler says itself when its call becomes a task.
    pub(crate) defer_task: bool,
    /// Whether a handler in Rust begins on the thread that received its call.
    pub(crate) inline: bool,
    /// Whether it lists in pages, whose cursors are sealed.
    pub(crate) paged: bool,
    /// The extension that a server with it has.
    pub(crate) extension: Option<Extension>,
    /// Where calls go.
    pub target: T,
    /// The mounts that it is seen through, the outermost first.
    pub(crate) under: Vec<Prefix>,
    /// The server that it was registered in, as a number; none where that says nothing.
    pub(crate) part: usize,
    /// What it was made of, to be made again where its server is mounted.
    pub(crate) source: Entry,
    kept: Option<Kept>,
}

/// How what a client sends is made ready for a handler.
#[derive(Debug)]
pub(crate) enum Input {
    /// It goes on as it is.
    Open,
    /// By a schema.
    Schema(Box<Arguments>),
    /// By the arguments a prompt declares.
    Prompt(PromptArguments),
    /// An address by a template.
    Template(Arc<UriTemplate>),
}

impl<T> Registered<T> {
    /// Checks the definition and compiles its schemas; errors name the entry and the reason. `policy` is the server's, for
    /// what the entry has none of its own.
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

    /// Makes what a client sends ready for the handler, or says why it does not fit.
    pub fn prepare(&self, input: JsonSlice) -> Result<JsonSlice, String> {
        crate::faults::pass("check");
        match &self.input {
            Input::Schema(arguments) => arguments.prepare(input),
            Input::Prompt(arguments) => arguments.prepare(input),
            Input::Open | Input::Template(_) => Ok(input),
        }
    }

    /// The same with so little effort that the thread that received the call can spare it.
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

    /// What [`Entry::keep`] keeps: by it a host knows its own handler, also where the entry is another server's that is
    /// mounted.
    pub fn kept(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.kept.as_ref()
    }

    /// Whether it came by this mount.
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

/// As messages name it: `tool "add"`.
impl<T> fmt::Display for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind.noun(), self.name)
    }
}
