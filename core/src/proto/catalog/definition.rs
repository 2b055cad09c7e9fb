//! The definition of one entry, as JSON in the form of the newest revision. Each member is checked when it is set.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{CheckedMembers, check_ui, of_kind};
use crate::proto::messages::error::clip;
use crate::proto::version::Revision;
use bytes::Bytes;

const NO_ARGUMENTS: &[u8] = br#"{"type":"object","properties":{},"additionalProperties":false}"#;
const MAX_NAME: usize = 128;

/// The definition of an entry: its name, and what lists show of it.
///
/// Members may be set in any order; a second value replaces the first one. A definition may have 1 MiB and 128 levels,
/// without its schemas.
#[derive(Clone, Debug)]
pub struct Definition {
    kind: Kind,
    name: String,
    given: CheckedMembers,
    /// The settings for views. They become part of `_meta` when the definition is finished.
    ui: Option<JsonSlice>,
}

/// The option, and the member of `_meta` that it becomes (AP-3, AP-6).
const UI: &str = "ui";

impl Definition {
    /// A definition without members.
    pub fn new(kind: Kind) -> Definition {
        Definition { kind, name: String::new(), given: CheckedMembers::new(of_kind(kind)), ui: None }
    }

    /// A definition with only the member that [names](Kind::names) an entry of its kind. The error gives the reason if
    /// the name is not valid.
    pub fn named(kind: Kind, name: &str) -> Result<Definition, String> {
        let mut definition = Definition::new(kind);
        definition.set(kind.names(), text(name))?;
        Ok(definition)
    }

    /// The definition of a completion, for one argument of a prompt or one variable of a template. `of` is the prompt's
    /// name or the template.
    pub fn completion(kind: Kind, of: &str, argument: &str) -> Result<Definition, String> {
        let (word, name) = match kind {
            Kind::Prompt => ("ref/prompt", "name"),
            Kind::ResourceTemplate => ("ref/resource", "uri"),
            other => return Err(format!("a {} has no completions", other.noun())),
        };
        let mut reference = JsonWriter::new();
        reference.begin_object().key("type").str(word).key(name).str(of).end_object();
        let mut definition = Definition::new(Kind::Completion);
        definition.set("ref", reference.into_slice())?;
        definition.set("argument", text(argument))?;
        // Sets the completion's name, by which programs remove it.
        definition.finish_completion()?;
        Ok(definition)
    }

    /// A definition with the members of a JSON object. The error names the first member that is unknown or not valid.
    pub fn from_json(kind: Kind, object: &JsonSlice) -> Result<Definition, String> {
        let mut definition = Definition::new(kind);
        if object.kind() != json::Kind::Object {
            return Err(format!("the definition of a {} must be an object", kind.noun()));
        }
        let naming = |name: &str| definition.known(name) == Ok(kind.names());
        let members: Vec<_> =
            object.members().map(|member| (member.name(object.as_bytes()), member.value)).collect();
        // The name comes first, so that errors about other members contain it.
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|place| !naming(&members[*place].0));
        for place in order {
            let (name, value) = &members[place];
            let found = definition.known(name).map_err(|error| definition.told(&error))?;
            if definition.member(found).is_some() {
                return Err(definition.told(&format!("{found} is given twice")));
            }
            definition.set(name, object.subslice(*value))?;
        }
        Ok(definition)
    }

    /// Sets a member, or replaces its value. `member` is the name in the specification, or that name with underscores
    /// (`input_schema` for `inputSchema`, `meta` for `_meta`). The error names the member and describes the valid
    /// values.
    ///
    /// `ui` of a tool, a resource or a template becomes `ui` in its `_meta`.
    pub fn set(&mut self, member: &str, value: JsonSlice) -> Result<(), String> {
        if self.has_ui(member) {
            self.ui = Some(check_ui(self.kind, value).map_err(|error| self.told(&error))?);
            return Ok(());
        }
        let naming = self.known(member) == Ok(self.kind.names());
        let name = if naming { value.decode_str().map(|name| name.into_owned()) } else { None };
        self.given.set(member, value).map_err(|error| self.told(&error))?;
        if let Some(name) = name {
            self.name = name;
        }
        Ok(())
    }

    /// The target of a completion: the kind and the name of the prompt or template, and the argument.
    pub(crate) fn completes(&self) -> Option<(Kind, String, String)> {
        let part = |value: Option<JsonSlice>| Some(value?.decode_str()?.into_owned());
        let reference = self.given.get("ref")?;
        let argument = part(self.given.get("argument").cloned())?;
        match part(reference.member("name")) {
            Some(name) => Some((Kind::Prompt, name, argument)),
            None => Some((Kind::ResourceTemplate, part(reference.member("uri"))?, argument)),
        }
    }

    /// Renames the entry with `rename`, which returns the new name or URI for a kind. Also renames references to other
    /// entries: a tool's view, and the target of a completion.
    pub(crate) fn rename(&mut self, rename: impl Fn(Kind, &str) -> Option<String>) -> Result<(), String> {
        let no_place = |definition: &Definition| {
            definition.told("its URI needs a scheme, which the prefix of the mount follows")
        };
        if self.kind == Kind::Completion {
            let completes = self.completes();
            let renamed =
                completes.and_then(|(kind, of, argument)| Some((kind, rename(kind, &of)?, argument)));
            let (kind, name, argument) = renamed.ok_or_else(|| no_place(self))?;
            *self = Definition::completion(kind, &name, &argument)?;
            return Ok(());
        }
        let name = rename(self.kind, &self.name).ok_or_else(|| no_place(self))?;
        if let (Some(view), Some(ui)) = (self.view(), &self.ui) {
            let view = rename(Kind::Resource, &view).ok_or_else(|| no_place(self))?;
            let mut moved = JsonWriter::new();
            moved.begin_object().key("resourceUri").str(&view);
            for member in ui.members() {
                let own = member.name(ui.as_bytes());
                if own != "resourceUri" {
                    moved.key(&own).raw(member.text(ui.as_bytes()));
                }
            }
            moved.end_object();
            self.ui = Some(moved.into_slice());
        }
        self.set(self.kind.names(), text(&name))
    }

    /// Adds defaults and checks the whole definition: no required member is missing, and the name is valid. The default
    /// name of a resource or a template is its URI. A tool without `inputSchema` takes no arguments.
    pub fn finish(&mut self) -> Result<(), String> {
        match self.kind {
            Kind::Tool => {
                self.default("inputSchema", || JsonSlice::from_trusted(Bytes::from_static(NO_ARGUMENTS)))?
            }
            Kind::Resource | Kind::ResourceTemplate if !self.name.is_empty() => {
                let name = text(&self.name);
                self.default("name", || name)?;
            }
            Kind::Completion => self.finish_completion()?,
            _ => {}
        }
        self.finish_ui()?;
        if let Some(name) = self.given.missing() {
            return Err(self.told(&format!("{name} is missing")));
        }
        self.check_name()?;
        self.check_arguments()
    }

    /// Whether `member` is the option for views, and this kind of entry can have a view.
    fn has_ui(&self, member: &str) -> bool {
        member == UI && matches!(self.kind, Kind::Tool | Kind::Resource | Kind::ResourceTemplate)
    }

    /// Combines the settings for views with `_meta`.
    fn finish_ui(&mut self) -> Result<(), String> {
        let inside = self.given.get("_meta").and_then(|meta| meta.member(UI));
        let Some(ui) = &self.ui else {
            self.ui = inside.filter(|_| self.has_ui(UI));
            return Ok(());
        };
        if let Some(inside) = inside {
            // The definition was finished before, or `ui` was set twice.
            return if inside == *ui { Ok(()) } else { Err(self.told("ui is given twice, once in _meta")) };
        }
        let mut meta = JsonWriter::new();
        meta.begin_object().key(UI).slice(ui);
        if let Some(given) = self.given.get("_meta") {
            for member in given.members() {
                meta.key(&member.name(given.as_bytes())).raw(member.text(given.as_bytes()));
            }
        }
        meta.end_object();
        self.given.set("_meta", meta.into_slice()).map_err(|error| self.told(&error))?;
        Ok(())
    }

    /// The settings for views of a finished definition: which view shows a tool's results, or how a resource is shown.
    pub fn ui(&self) -> Option<&JsonSlice> {
        self.ui.as_ref()
    }

    /// The URI of the view that shows a tool's results.
    pub fn view(&self) -> Option<String> {
        let uri = self.ui.as_ref().filter(|_| self.kind == Kind::Tool)?.member("resourceUri")?;
        uri.decode_str().map(|uri| uri.into_owned())
    }

    /// The specification's name for the member that a program calls `word`.
    fn known(&self, word: &str) -> Result<&'static str, String> {
        if self.has_ui(word) {
            return Ok(UI);
        }
        Ok(of_kind(self.kind).rows[self.given.find(word)?].name)
    }

    fn default(&mut self, member: &str, value: impl FnOnce() -> JsonSlice) -> Result<(), String> {
        if self.given.get(member).is_none() { self.set(member, value()) } else { Ok(()) }
    }

    /// Names a completion after its prompt or template and its argument, so that there is only one for each.
    fn finish_completion(&mut self) -> Result<(), String> {
        let Some((reference, argument)) = self.given.get("ref").zip(self.given.get("argument")) else {
            return Ok(());
        };
        let part = |value: Option<JsonSlice>| value.and_then(|value| Some(value.decode_str()?.into_owned()));
        let kind = part(reference.member("type")).unwrap_or_default();
        let of = if kind == "ref/prompt" { "name" } else { "uri" };
        let Some(of) = part(reference.member(of)) else {
            return Err(self.told(&format!("ref.{of} is missing")));
        };
        let argument = part(Some(argument.clone())).unwrap_or_default();
        self.set("name", text(&completion_name(&kind, &of, &argument)))
    }

    fn check_name(&self) -> Result<(), String> {
        let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let printable = |c: char| !c.is_whitespace() && !c.is_control();
        let (legal, what): (fn(char) -> bool, _) = match self.kind {
            Kind::Tool | Kind::Prompt => (of_name, "of A-Z a-z 0-9 _ - ."),
            Kind::Method | Kind::Notification => (printable, "without spaces or control characters"),
            _ => return Ok(()),
        };
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(legal) {
            let noun = self.kind.noun();
            return Err(format!(
                "{noun} name {:?} must be 1 to {MAX_NAME} characters {what}",
                clip(&self.name)
            ));
        }
        Ok(())
    }

    fn check_arguments(&self) -> Result<(), String> {
        let Some(arguments) = self.given.get("arguments") else { return Ok(()) };
        let mut names: Vec<String> = Vec::new();
        for argument in arguments.elements() {
            let name = argument.member("name");
            let name = name.as_ref().and_then(JsonSlice::decode_str).unwrap_or_default().into_owned();
            names.push(name);
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.told(&format!("argument {:?} is given twice", clip(&pair[0])))),
            None => Ok(()),
        }
    }

    /// An error about this definition, with its name.
    pub(in crate::proto) fn told(&self, error: &str) -> String {
        match self.name.as_str() {
            "" => format!("{}: {error}", self.kind.noun()),
            name => format!("{} {:?}: {error}", self.kind.noun(), clip(name)),
        }
    }

    /// The kind of the entry.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The entry's name: the value of the member that [names](Kind::names) its kind. Empty until it is set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of a member, by its name in the specification.
    pub fn member(&self, name: &str) -> Option<&JsonSlice> {
        self.given.get(name)
    }

    /// All members as they were set.
    pub fn to_json(&self) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object();
        for (name, value) in self.given.iter() {
            out.key(name).slice(value);
        }
        out.end_object();
        out.into_slice()
    }

    /// Writes the entry as an item of a list, with the members that `revision` has (digest section 9.3).
    pub fn write(&self, revision: Revision, out: &mut JsonWriter) {
        self.given.write(revision, out);
    }
}

/// The name of a completion. `kind` is `ref/prompt` or `ref/resource`, and `of` is the prompt's name or the template.
/// The name is unique, because names of prompts and variables contain no `#`.
pub fn completion_name(kind: &str, of: &str, argument: &str) -> String {
    format!("{kind}/{of}#{argument}")
}

fn text(text: &str) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.str(text);
    out.into_slice()
}
