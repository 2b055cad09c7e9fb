//! The entries that the settings of a server hide.

use super::super::form::Form;
use super::super::patterns::{KIND_WORDS, KindWord, MAX_NAME, MAX_NAMES, matches};
use super::super::spelling::Spelling;
use super::{At, OptionValue};
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use serde_json::{Map, Value};

/// The entries that a server hides: by their names, in which `*` stands for any text, and by their tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disabled {
    names: [Vec<String>; MEMBERS.len()],
    tags: Vec<String>,
}

/// The members with names, and the kinds that each stands for: those of which clients see entries.
const MEMBERS: [KindWord; 4] = [KIND_WORDS[0], KIND_WORDS[1], KIND_WORDS[2], KIND_WORDS[3]];
const TAGS: &str = "tags";

/// The names of all members.
pub(crate) fn disabled_members() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().map(|(name, _)| *name).chain([TAGS])
}

impl Disabled {
    /// Hides the entries of a kind that have these names.
    #[must_use]
    pub fn names(mut self, kind: Kind, names: impl IntoIterator<Item = impl Into<String>>) -> Disabled {
        if let Some(place) = MEMBERS.iter().position(|(_, kinds)| kinds.contains(&kind)) {
            self.names[place].extend(names.into_iter().map(Into::into));
        }
        self
    }

    /// Hides the entries that have one of these tags.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Disabled {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Whether an entry is hidden.
    pub(crate) fn hides<'a>(
        &self,
        kind: Kind,
        name: &str,
        mut tags: impl Iterator<Item = &'a String>,
    ) -> bool {
        let named = MEMBERS.iter().zip(&self.names).filter(|((_, kinds), _)| kinds.contains(&kind));
        named.flat_map(|(_, names)| names).any(|pattern| matches(pattern, name))
            || (!self.tags.is_empty() && tags.any(|tag| self.tags.contains(tag)))
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        disabled_members().zip(self.names.iter().chain([&self.tags]))
    }
}

impl OptionValue for Disabled {
    const FORM: Form = Form::Disabled;

    fn read(value: &JsonSlice, at: &At) -> Result<Disabled, String> {
        if value.kind() != JsonKind::Object {
            return Err(at.wrong(value));
        }
        let mut all = Disabled::default();
        for member in value.members() {
            let (name, inner) = (member.name(value.as_bytes()), value.subslice(member.value));
            if inner.kind() == JsonKind::Null {
                continue;
            }
            let place = disabled_members().position(|known| known == name).ok_or_else(|| {
                let known: Vec<_> = disabled_members().collect();
                let (path, name, known) = (&at.path, clip(&name), known.join(", "));
                format!("{path}: there is no member {name:?}; the members are {known}")
            })?;
            let names: Vec<String> =
                inner.deserialize().map_err(|_| at.member(&name, Form::Names).wrong(&inner))?;
            *all.names.get_mut(place).unwrap_or(&mut all.tags) = names;
        }
        Ok(all)
    }

    fn check(&self, at: &At) -> Result<(), String> {
        for (member, names) in self.all() {
            if names.len() > MAX_NAMES {
                let count = names.len();
                return Err(format!("{}.{member}: {count} names exceed the limit of {MAX_NAMES}", at.path));
            }
            if let Some(name) = names.iter().find(|name| name.is_empty() || name.len() > MAX_NAME) {
                return Err(format!(
                    "{}.{member}: {:?} must have 1 to {MAX_NAME} bytes",
                    at.path,
                    clip(name)
                ));
            }
        }
        Ok(())
    }

    fn write(&self, _: Spelling) -> Value {
        let set = self.all().filter(|(_, names)| !names.is_empty());
        set.map(|(member, names)| (member.to_owned(), names.as_slice().into())).collect::<Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_tags_are_told_apart() {
        let disabled = Disabled::default().names(Kind::Tool, ["x*"]).tags(["admin"]);
        let admin = ["admin".to_owned()];
        assert!(disabled.hides(Kind::Tool, "xy", [].iter()));
        assert!(!disabled.hides(Kind::Prompt, "xy", [].iter()));
        assert!(disabled.hides(Kind::Prompt, "xy", admin.iter()));
        let templates = Disabled::default().names(Kind::ResourceProvider, ["t:*"]);
        assert!(templates.hides(Kind::ResourceTemplate, "t:{x}", [].iter()));
    }
}
