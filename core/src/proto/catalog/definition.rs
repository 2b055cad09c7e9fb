//! What a program says about one entry: JSON in the form of the newest revision, checked member by member.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{CheckedMembers, check_ui, of_kind};
use crate::proto::messages::error::clip;
use crate::proto::version::Revision;
use bytes::Bytes;

const NO_ARGUMENTS: &[u8] = br#"{"type":"object","properties":{},"additionalProperties":false}"#;
const MAX_NAME: usize = 128;

/// The definition of an entry: what lists show of it, and what it is called.
///
/// Members may be given in any order, with one of a name in place of the one before. A definition may have 1 MiB and 128
/// levels, its schemas not counted.
#[derive(Clone, Debug)]
pub struct Definition {
    kind: Kind,
    name: String,
    given: CheckedMembers,
    /// What it has to do with views; part of its `_meta` once it is finished.
    ui: Option<JsonSlice>,
}

/// The option, and the member of `_meta` that it becomes (AP-3, AP-6).
const UI: &str = "ui";

impl Definition {
    /// A definition without members.
    pub fn new(kind: Kind) -> Definition {
        Definition { kind, name: String::new(), given: CheckedMembers::new(of_kind(kind)), ui: None }
    }

    /// A definition with the member that [names](Kind::names) an entry of its kind. The error says what is wrong with
    /// the name.
    pub fn named(kind: Kind, name: &str) -> Result<Definition, String> {
        let mut definition = Definition::new(kind);
        definition.set(kind.names(), text(name))?;
        Ok(definition)
    }

    /// The definition of suggestions for one argument of a prompt, or for one variable of a template. `of` is the
    /// prompt's name or the template's text.
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
        // Its name, which programs remove it by.
        definition.finish_completion()?;
        Ok(definition)
    }

    /// A definition with the members of a JSON object. The error names the first that is unknown or wrong.
    pub fn from_json(kind: Kind, object: &JsonSlice) -> Result<Definition, String> {
        let mut definition = Definition::new(kind);
        if object.kind() != json::Kind::Object {
            return Err(format!("the definition of a {} must be an object", kind.noun()));
        }
        let naming = |name: &str| definition.known(name) == Ok(kind.names());
        let members: Vec<_> =
            object.members().map(|member| (member.name(object.as_bytes()), member.value)).collect();
        // The name first, so that what is wrong with others is told of it.
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|place| !naming(&members[*place].0));
        for place in order {
            let (name, value) = &members[place];
            let found = definition.known(name).map_err(|error| definition.told(&error))?;
            if definition.member(found).is_some() {
                return Err(definition.told(&format!("{found} is given twice")));
            }
            definition.set(name, object.subslice(value.clone()))?;
        }
        Ok(definition)
    }

    /// Gives a member its value, in place of one it has. `member` is the specification's name, or that with underscores
    /// (`input_schema` for `inputSchema`, `meta` for `_meta`). The error says which is wrong and what it must be.
    ///
    /// `ui` of a tool, a resource or a template becomes `ui` of its `_meta`.
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

    /// What a completion completes: of a prompt or a template, by its name, which argument.
    pub(crate) fn completes(&self) -> Option<(Kind, String, String)> {
        let part = |value: Option<JsonSlice>| Some(value?.decode_str()?.into_owned());
        let reference = self.given.get("ref")?;
        let argument = part(self.given.get("argument").cloned())?;
        match part(reference.member("name")) {
            Some(name) => Some((Kind::Prompt, name, argument)),
            None => Some((Kind::ResourceTemplate, part(reference.member("uri"))?, argument)),
        }
    }

    /// Has it called what `rename` makes of a name or an address of a kind, and with it what it says of others: the view of a
    /// tool, what a completion completes.
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

    /// Fills in what has a default and checks the whole: nothing required is missing, the name is one. Without `name` a
    /// resource and a template get their URI, without `inputSchema` a tool takes no arguments.
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

    /// Whether this is the option of views, in an entry that has it.
    fn has_ui(&self, member: &str) -> bool {
        member == UI && matches!(self.kind, Kind::Tool | Kind::Resource | Kind::ResourceTemplate)
    }

    /// Brings what was said of views and `_meta` together.
    fn finish_ui(&mut self) -> Result<(), String> {
        let inside = self.given.get("_meta").and_then(|meta| meta.member(UI));
        let Some(ui) = &self.ui else {
            self.ui = inside.filter(|_| self.has_ui(UI));
            return Ok(());
        };
        if let Some(inside) = inside {
            // Finished before, or said twice.
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

    /// What a finished definition says of views: of a tool which one shows its results, of a resource how it is shown.
    pub fn ui(&self) -> Option<&JsonSlice> {
        self.ui.as_ref()
    }

    /// The address of the view that shows a tool's results.
    pub fn view(&self) -> Option<String> {
        let uri = self.ui.as_ref().filter(|_| self.kind == Kind::Tool)?.member("resourceUri")?;
        uri.decode_str().map(|uri| uri.into_owned())
    }

    /// The specification's name of the member that a program calls `word`.
    fn known(&self, word: &str) -> Result<&'static str, String> {
        if self.has_ui(word) {
            return Ok(UI);
        }
        Ok(of_kind(self.kind).rows[self.given.find(word)?].name)
    }

    fn default(&mut self, member: &str, value: impl FnOnce() -> JsonSlice) -> Result<(), String> {
        if self.given.get(member).is_none() { self.set(member, value()) } else { Ok(()) }
    }

    /// A completion is called by what it completes, so that there is one for each.
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

    /// An error of this definition, with its name.
    pub(in crate::proto) fn told(&self, error: &str) -> String {
        match self.name.as_str() {
            "" => format!("{}: {error}", self.kind.noun()),
            name => format!("{} {:?}: {error}", self.kind.noun(), clip(name)),
        }
    }

    /// What it defines.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the entry is called: the value of the member that [names](Kind::names) its kind. Empty before it is given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of the member with this name of the specification.
    pub fn member(&self, name: &str) -> Option<&JsonSlice> {
        self.given.get(name)
    }

    /// All members, as they were given.
    pub fn to_json(&self) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object();
        for (name, value) in self.given.iter() {
            out.key(name).slice(value);
        }
        out.end_object();
        out.into_slice()
    }

    /// Writes the entry of a list, with what `revision` has of it (digest section 9.3).
    pub fn write(&self, revision: Revision, out: &mut JsonWriter) {
        self.given.write(revision, out);
    }
}

/// The name of the completion of `argument`, where `of` is a prompt's name or a template's text, as `kind` says:
/// `ref/prompt` or `ref/resource`. No two completions have the same one, for prompts' names and variables hold no `#`.
pub fn completion_name(kind: &str, of: &str, argument: &str) -> String {
    format!("{kind}/{of}#{argument}")
}

fn text(text: &str) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.str(text);
    out.into_slice()
}
