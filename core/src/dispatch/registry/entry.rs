//! Entries of every kind, as a program registers them.

use crate::dispatch::options::{
    self, OptionError, Policies, Spelling, access_policies, call_policies, common_policies, list_policies,
    read_policies, result_policies, schema_policies, sensitive_policies, state_policies, task_policies,
    template_policies,
};
use crate::dispatch::registry::mount_names::Prefix;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use crate::proto::operation::Method;
use crate::proto::session::extension::Extension;
use std::any::Any;
use std::sync::Arc;

/// A value of a host; only the time when it is dropped matters here.
pub(super) type Retained = Arc<dyn Any + Send + Sync>;

/// An entry to register: its kind, its name, its definition, its policies. The types of one kind
/// ([`Tool`](crate::Tool) and the others) convert to it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) definition: Definition,
    pub(super) policies: Policies,
    /// The names of the policies that come from settings. A mounting server keeps them.
    pub(super) configured: Vec<&'static str>,
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
        Entry {
            definition,
            policies: Policies::default(),
            configured: Vec::new(),
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
        Entry::of(kind, Definition::from_json(kind, definition))
    }

    /// An entry from one JSON object, in the spelling of a language: its policies and the members of its definition. The
    /// options of a provider are those of its template; its list has the policies.
    pub fn from_options(kind: Kind, options: &JsonSlice, spelling: Spelling) -> Result<Entry, OptionError> {
        if kind == Kind::ResourceProvider {
            let template = Entry::from_options(Kind::ResourceTemplate, options, spelling)?;
            return Ok(Entry::new(kind, template.name()).with_policies(&template.policies));
        }
        let mut policies = Policies::default();
        let definition = options::set_known(&mut policies, kind, spelling, options)?;
        Ok(Entry { policies, ..Entry::from_json(kind, &definition) })
    }

    /// Sets a policy by its name, in the spelling of a language. `false`: there is no policy of this name.
    pub fn set_policy(
        &mut self,
        name: &str,
        value: &JsonSlice,
        spelling: Spelling,
    ) -> Result<bool, OptionError> {
        options::set(&mut self.policies, self.definition.kind(), spelling, name, value)
    }

    /// Sets the policies that are members of an object, in the spelling of a language.
    pub fn set_policies(&mut self, policies: &JsonSlice, spelling: Spelling) -> Result<(), OptionError> {
        options::set_all(&mut self.policies, self.definition.kind(), spelling, policies)
    }

    /// The policies that are set.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The entry with these policies instead of its own.
    pub fn with_policies(self, policies: &Policies) -> Entry {
        Entry { policies: policies.clone(), ..self }
    }

    pub(crate) fn options_mut(&mut self) -> &mut Policies {
        &mut self.policies
    }

    common_policies!();
    access_policies!();
    list_policies!();
    call_policies!();
    schema_policies!();
    result_policies!();
    task_policies!();
    state_policies!();
    sensitive_policies!();
    read_policies!();
    template_policies!();

    /// Sets a member of the definition, such as `title` or `inputSchema` (also as `input_schema`), in the newest
    /// revision's form. If this kind does not have the member, or the value is wrong, registration fails with an
    /// error that names it.
    pub fn set(mut self, member: &str, value: JsonSlice) -> Entry {
        if member == "execution" {
            // The last value counts, so the member replaces the policy.
            self.policies.task_support = None;
        }
        if let Err(reason) = self.definition.set(member, value) {
            self.rejected.get_or_insert(reason);
        }
        self
    }

    /// Sets a member whose value is a string.
    pub fn set_text(self, member: &str, text: impl AsRef<str>) -> Entry {
        let mut value = JsonWriter::new();
        value.str(text.as_ref());
        self.set(member, value.into_slice())
    }

    /// Declares that a method answers a request of the protocol instead of the engine. Registration fails if the
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

    /// The entry for a server in which its own server is mounted. Returns `None` if the entry is visible only in its
    /// own server, and an error if the other server cannot have it.
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

    /// The name under which the entry is registered.
    pub fn name(&self) -> &str {
        self.definition.name()
    }

    /// The same, also for a completion whose definition is not finished, because that names it.
    pub(super) fn final_name(&self) -> String {
        if self.kind() != Kind::Completion {
            return self.name().to_owned();
        }
        let mut definition = self.definition.clone();
        // Registration reports what is wrong.
        let _ = definition.finish();
        definition.name().to_owned()
    }
}
