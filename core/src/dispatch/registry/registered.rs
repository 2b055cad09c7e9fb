//! Registered entries: their definitions are checked and their schemas are compiled.

use crate::dispatch::access::{Access, AccessRules, Caller, Denial, Rule, contradiction, unauthenticated};
use crate::dispatch::calls::concurrency::ConcurrencyLimit;
use crate::dispatch::observer::{EntryName, NamedEntry};
use crate::dispatch::options::{Cache, CircuitBreaker, Options, Policies, check, fill_rows, value_of};
use crate::dispatch::policy::{Breaker, CallRates, Counts, MaxConcurrency, ResultCache, RetryRules};
use crate::dispatch::registry::entry::{Entry, Retained};
use crate::dispatch::registry::entry_policies::EntryPolicies;
use crate::dispatch::registry::mount_names::Prefix;
use crate::dispatch::skills::TEMPLATE;
use crate::dispatch::uri_template::{TemplateSet, UriTemplate, write_variables};
use crate::dispatch::validation::arguments::{Arguments, Policy, Unready};
use crate::dispatch::validation::headers::header_params;
use crate::dispatch::validation::prompt_arguments::PromptArguments;
use crate::dispatch::validation::schema::Schema;
use crate::error::Error;
use crate::json::{JsonSlice, JsonWriter, Kind as Json};
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::header_params::HeaderParam;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::operation::Method;
use crate::proto::results::structured::wraps;
use crate::proto::session::extension::Extension;
use crate::proto::session::task::TaskSupport;
use crate::proto::version::Revision;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A registered entry: its definition is checked, its schemas are compiled, its handler is known. The layer above
/// defines the type of the handler, `T`.
#[derive(Debug)]
pub struct Registered<T> {
    /// The kind of the entry.
    pub kind: Kind,
    /// The name under which the entry is registered.
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
    /// The policies.
    pub(crate) policies: Policies,
    /// The calls that run and those that wait, if the entry limits concurrent calls.
    pub(crate) concurrency: Option<Arc<ConcurrencyLimit>>,
    /// Refuses calls after too many have failed.
    pub(crate) breaker: Option<Breaker>,
    /// How many calls may be made in a time.
    pub(crate) rate_limits: Option<CallRates>,
    /// How many of them may be made for which the cache has no result.
    pub(crate) miss_limits: Option<CallRates>,
    /// A part of the keys of their allowances, which changes if they are to begin anew.
    pub(crate) rate_epoch: AtomicU64,
    /// How calls are retried that have failed.
    pub(crate) retry: Option<Arc<RetryRules>>,
    /// The results that are kept.
    pub(crate) cache: Option<Arc<ResultCache>>,
    /// Whether calls of the entry may be tasks.
    pub(crate) task_support: TaskSupport,
    /// Whether a handler in Rust starts on the thread that received its call.
    pub(crate) inline: bool,
    /// Whether the entry, a provider, lists in pages, whose cursors are sealed.
    pub(crate) paged: bool,
    /// The extension that a server with this entry has.
    pub(crate) extension: Option<Extension>,
    /// The target of the entry's calls.
    pub target: T,
    /// The mounts through which the entry appears, the outermost first.
    pub(crate) under: Vec<Prefix>,
    /// What the entry demands of its callers; `None` if everybody may use it.
    access: Option<Box<Access>>,
    /// The names of the policies that are switched off.
    pub(crate) switched_off: Vec<&'static str>,
    /// The number of the server in which the entry was registered; 0 if that does not matter.
    pub(crate) part: usize,
    /// The entry as it was registered, from which it is made again if its server is mounted.
    pub(crate) source: Entry,
    kept: Option<Retained>,
}

/// The limits of an entry's concurrent calls; `None` if it has none.
fn concurrency(policies: &Policies) -> Option<Arc<ConcurrencyLimit>> {
    let (total, by) = (policies.max_concurrency, policies.max_concurrency_by.as_ref());
    let by = by.map(|by| by.0.clone()).unwrap_or_default();
    let is_limited = total.is_some() || !by.is_empty();
    is_limited.then(|| Arc::new(ConcurrencyLimit::new(MaxConcurrency { total, by })))
}

/// The rate limits of an entry that count these calls.
fn limits_of(policies: &Policies, counts: Counts, entry: (Kind, &str)) -> Option<CallRates> {
    policies.rate_limit.as_ref()?.limits(counts, Some(entry))
}

/// Refuses policies that exclude each other.
fn check_combined(policies: &Policies, definition: &Definition) -> Result<(), String> {
    if policies.confirm.is_some() {
        if policies.cache.is_some() {
            return Err("results of calls that the user confirms are not kept: set cache or confirm".into());
        }
        if policies.retry.is_some() {
            return Err("calls that the user confirms are not retried: set retry or confirm".into());
        }
    }
    let says = |hint| definition.member("annotations")?.member(hint).map(|value| value.kind() == Json::True);
    let is_read = !matches!(definition.kind(), Kind::Tool | Kind::Method);
    let marked = || is_read || says("idempotentHint") == Some(true) || says("readOnlyHint") == Some(true);
    if policies.retry.is_some() && !policies.idempotent.unwrap_or_else(marked) {
        return Err(
            "a handler that may not run again cannot be retried: set idempotent, or leave out retry".into()
        );
    }
    Ok(())
}

/// The cache of an entry; `None` if it keeps no results.
fn cache(policies: &Policies, definition: &Definition) -> Option<Arc<ResultCache>> {
    // The list of a provider is not a read of the resources that it lists.
    let kept = policies.cache.as_ref().filter(|_| definition.kind() != Kind::ResourceProvider);
    let rules = kept.map(Cache::rules)?;
    let (kind, json) = (definition.kind().as_str(), definition.to_json());
    Some(Arc::new(ResultCache::new(rules, &[kind.as_bytes(), json.as_bytes()])))
}

/// How a client's input is prepared for a handler.
#[derive(Debug)]
pub(crate) enum Input {
    /// The input is passed on unchanged.
    Open,
    /// The input is checked against a schema.
    Schema(Box<Arguments>),
    /// The input is checked against the arguments that a prompt declares.
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
            policies,
            configured: _,
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
        if let Some(support) = policies.task_support {
            let execution = serde_json::json!({ "taskSupport": support.as_str() });
            definition.set("execution", JsonSlice::from_value(&execution)).map_err(Error::invalid)?;
        }
        definition.finish().map_err(Error::invalid)?;
        let kind = definition.kind();
        let name = definition.name().to_owned();
        let wrong = |reason: String| Error::invalid(format!("{} {:?}: {reason}", kind.noun(), clip(&name)));
        check(&policies, kind).map_err(wrong)?;
        let policy = Policy {
            unknown: policies.unknown_arguments.unwrap_or_default(),
            coerce: policies.coerce_arguments.unwrap_or(policy.coerce),
            ..policy
        };
        if kind == Kind::Method && !Method::parse(name.as_str().into()).is_open() {
            return Err(wrong("the engine answers this method itself".into()));
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
                Input::Template(Arc::new(template.unsafe_paths(policies.unsafe_paths == Some(true))))
            }
            _ => Input::Open,
        };
        let output = definition.member("outputSchema").cloned();
        let output = output
            .map(|schema| Schema::compile_with(schema, policy.formats))
            .transpose()
            .map_err(|error| wrong(format!("output schema: {error}")))?;
        // True for a view, and for a tool that has one.
        let has_view = definition.view().is_some() || kind == Kind::Resource && name.starts_with("ui://");
        let extension = extension.or(has_view.then_some(Extension::Ui));
        let support = definition.member("execution").and_then(|execution| execution.member("taskSupport"));
        let support = support.as_ref().and_then(|word| word.decode_str());
        let task_support = support.and_then(|word| TaskSupport::named(&word)).unwrap_or_default();
        if policies.defer_task == Some(true) && task_support == TaskSupport::Forbidden {
            return Err(wrong(
                "a tool with deferred tasks needs task support: set it to optional or required".into(),
            ));
        }
        check_combined(&policies, &definition).map_err(wrong)?;
        let registered = Registered {
            kind,
            input,
            extension,
            paged,
            header_params: headers,
            wraps: output.as_ref().is_some_and(|schema| wraps(schema.text())),
            structured: output.is_some() || policies.structured == Some(true),
            output,
            concurrency: concurrency(&policies),
            breaker: policies.circuit_breaker.as_ref().map(CircuitBreaker::breaker),
            rate_limits: limits_of(&policies, Counts::Calls, (kind, &name)),
            miss_limits: limits_of(&policies, Counts::Misses, (kind, &name)),
            rate_epoch: AtomicU64::new(0),
            retry: policies.retry.as_ref().map(|retry| Arc::new(retry.rules())),
            cache: cache(&policies, &definition),
            policies,
            task_support,
            inline,
            target,
            name,
            definition,
            under,
            access: None,
            switched_off: Vec::new(),
            part: 0,
            source,
            kept,
        };
        match registered.check_named_arguments() {
            Ok(()) => Ok(registered),
            Err(reason) => Err(Error::invalid(format!("{registered}: {reason}"))),
        }
    }

    /// The same entry with changed policies, without those that are `switched_off`. What has not changed keeps its state: the
    /// calls that run and wait, results, circuits, and budgets.
    pub(crate) fn changed(
        &self,
        policies: Policies,
        switched_off: Vec<&'static str>,
        policy: Policy,
    ) -> Result<Registered<T>, Error>
    where
        T: Clone,
    {
        let mut source = self.source.clone();
        source.policies = Policies::default();
        fill_rows(&mut source.policies, &policies, |row| !switched_off.contains(&row.name));
        let mut changed = Registered::new(source, self.target.clone(), policy)?;
        changed.source.policies = policies;
        let same = |names: &[&str]| {
            let mut rows = Policies::TABLE.iter().enumerate().filter(|(_, row)| names.contains(&row.name));
            rows.all(|(place, _)| value_of(&self.policies, place) == value_of(&changed.policies, place))
        };
        if same(&["max_concurrency", "max_concurrency_by"]) {
            changed.concurrency.clone_from(&self.concurrency);
        }
        if same(&["circuit_breaker"]) {
            changed.breaker.clone_from(&self.breaker);
        }
        if same(&["retry"]) {
            changed.retry.clone_from(&self.retry);
        }
        if same(&["cache"]) {
            changed.cache.clone_from(&self.cache);
        }
        changed.access.clone_from(&self.access);
        changed.rate_epoch = AtomicU64::new(self.rate_epoch.load(Ordering::Acquire));
        (changed.part, changed.switched_off) = (self.part, switched_off);
        Ok(changed)
    }

    /// The entry as it was registered, without the policies that are switched off.
    pub(crate) fn source_in_force(&self) -> Cow<'_, Entry> {
        if self.switched_off.is_empty() {
            return Cow::Borrowed(&self.source);
        }
        let mut source = self.source.clone();
        source.policies = Policies::default();
        fill_rows(&mut source.policies, &self.source.policies, |row| !self.switched_off.contains(&row.name));
        Cow::Owned(source)
    }

    /// The variables of an address, if the entry is a template that matches it.
    pub(crate) fn variables(&self, address: &str) -> Option<JsonSlice> {
        let Input::Template(template) = &self.input else { return None };
        let set = TemplateSet::new([template.clone()]);
        set.find(address).map(|(_, variables)| write_variables(&variables))
    }

    /// Applies a server's access rules, those of its settings, and the demands of the mounted server that the entry comes
    /// from.
    pub(crate) fn apply(
        &mut self,
        rules: &AccessRules,
        settings: &EntryPolicies,
        inner: Option<Access>,
    ) -> Result<(), Error> {
        if self.kind == Kind::Hook {
            return Ok(());
        }
        let configured = settings.rules(self.kind, &self.name);
        let opened = configured.iter().find(|one| one.rule.public.is_some());
        let access = match (opened, &inner) {
            (Some(one), Some(inner)) if one.rule.public == Some(true) && inner.demands_grants() => {
                Err(contradiction(&one.path, "the mounted server"))
            }
            _ => rules.access(&Rule::of(&self.policies), self.tags(), &configured),
        };
        let access = access.map_err(|reason| Error::invalid(format!("{self}: {reason}")))?;
        self.access = Access::both(inner, access).map(Box::new);
        Ok(())
    }

    /// What the entry demands of its callers; `None` if everybody may use it.
    pub(crate) fn access(&self) -> Option<&Access> {
        self.access.as_deref()
    }

    /// Whether the entry exists for a caller.
    #[inline]
    pub(crate) fn is_seen_by(&self, caller: Caller<'_>) -> bool {
        caller.hidden.is_none() || {
            let (kind, name) = self.seen_as();
            caller.sees(kind, name)
        }
    }

    /// The entry that decides whether a caller sees this one.
    pub(crate) fn seen_as(&self) -> (Kind, &str) {
        match self.kind {
            // A provider lists the resources of the template with the same name.
            Kind::ResourceProvider => (Kind::ResourceTemplate, &self.name),
            Kind::Method if self.extension == Some(Extension::Skills) => (Kind::ResourceTemplate, TEMPLATE),
            kind => (kind, &self.name),
        }
    }

    /// Refuses a caller that may not use the entry.
    #[inline]
    pub(crate) fn permit(&self, caller: Caller<'_>) -> Result<(), RpcError> {
        match &self.access {
            None if caller.refuses_anonymous && caller.principal.is_none() => Err(unauthenticated()),
            None => Ok(()),
            Some(access) => access.check(caller).map_err(Denial::error),
        }
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

    /// The tags by which the entry can be disabled.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &String> {
        self.policies.tags.iter().flat_map(|tags| &tags.0)
    }

    /// Whether the entry is left out of every list.
    pub(crate) fn is_hidden(&self) -> bool {
        self.policies.hidden == Some(true)
    }

    /// Whether a prompt has an argument of this name, or a template a variable.
    pub fn has_argument(&self, name: &str) -> bool {
        self.arguments().any(|own| own == name)
    }

    /// Whether settings have set the policy of this name, and not code.
    pub(crate) fn is_configured(&self, policy: &str) -> bool {
        self.source.configured.contains(&policy)
    }

    /// The arguments that audit events record; `None` if calls have no audit events.
    #[inline]
    pub(crate) fn audited(&self) -> Option<&[String]> {
        self.policies.audit.as_ref()?.names()
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

    /// The value of [`Entry::keep`]. By this value a host recognises its own handler, even if the entry belongs to a
    /// mounted server.
    pub fn kept(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.kept.as_ref()
    }

    /// Whether the entry was added by this mount.
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
impl<T: Send + Sync> NamedEntry for Registered<T> {
    fn entry_name(&self) -> EntryName<'_> {
        EntryName { kind: self.kind, name: &self.name }
    }
}

impl<T> fmt::Display for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind.noun(), self.name)
    }
}
