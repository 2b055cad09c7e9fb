//! Converts the names of entries between a mounted server and the server it is mounted in.
//!
//! A name becomes `prefix_name`. An address or a template becomes `scheme://prefix/rest`, or `scheme:prefix/rest` if
//! it has no authority. If mounts are nested, their prefixes follow one another. Without a prefix, names and
//! addresses stay as they are.

use crate::error::Error;
use crate::proto::catalog::kind::Kind;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PROMPT: &str = "ref/prompt/";
const TEMPLATE: &str = "ref/resource/";

/// The maximum size of a prefix in bytes.
const MOST: usize = 64;

/// The prefix of a mount, if it has one, and a number that identifies the mount.
#[derive(Clone)]
pub(crate) struct Prefix {
    text: Option<String>,
    number: usize,
    /// The host's data for this mount. Entries hold it too, so that it exists until the last of their calls has
    /// ended.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl PartialEq for Prefix {
    fn eq(&self, other: &Prefix) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({:?}, {})", self.text, self.number)
    }
}

static MOUNTS: AtomicUsize = AtomicUsize::new(0);

impl Prefix {
    /// Letters, digits and hyphens, so that the prefix can be part of any name and any address, and its end can be
    /// recognised.
    pub(crate) fn new(text: Option<&str>) -> Result<Prefix, Error> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if let Some(text) = text
            && (text.is_empty() || text.len() > MOST || !text.chars().all(legal))
        {
            let what =
                format!("mount: the prefix {text:?} must have 1 to {MOST} characters of A-Z a-z 0-9 -");
            return Err(Error::invalid(what));
        }
        let number = MOUNTS.fetch_add(1, Ordering::Relaxed);
        Ok(Prefix { text: text.map(str::to_owned), number, _kept: None })
    }

    /// Attaches a value to the prefix, which keeps it alive.
    pub(crate) fn keeping(mut self, value: Arc<dyn Any + Send + Sync>) -> Prefix {
        self._kept = Some(value);
        self
    }

    /// The text of the prefix.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The name of an entry where it is mounted. `None` for kinds that stay with their server, and for a template
    /// that does not begin with a scheme.
    pub(crate) fn name(&self, kind: Kind, name: &str) -> Option<String> {
        match kind {
            Kind::Tool | Kind::Prompt => Some(match &self.text {
                Some(text) => format!("{text}_{name}"),
                None => name.to_owned(),
            }),
            Kind::Resource | Kind::ResourceTemplate | Kind::ResourceProvider => self.address(name),
            Kind::Completion => {
                // In the form of `Definition::completion`: `ref/prompt/name#argument`.
                let (begin, kind) = match name.strip_prefix(PROMPT) {
                    Some(_) => (PROMPT, Kind::Prompt),
                    None => (TEMPLATE, Kind::ResourceTemplate),
                };
                let (of, argument) = name.strip_prefix(begin)?.rsplit_once('#')?;
                Some(format!("{begin}{}#{argument}", self.name(kind, of)?))
            }
            Kind::Method | Kind::Notification | Kind::Hook => None,
        }
    }

    /// An address or a template where it is mounted.
    pub(crate) fn address(&self, uri: &str) -> Option<String> {
        let Some(text) = &self.text else { return Some(uri.to_owned()) };
        let (scheme, rest) = split(uri)?;
        Some(format!("{scheme}{text}/{rest}"))
    }

    /// The address within the mounted server, as scheme and rest.
    #[cfg(test)]
    pub(crate) fn own<'a>(&self, uri: &'a str) -> Option<(&'a str, &'a str)> {
        let (scheme, rest) = split(uri)?;
        Some((scheme, rest.strip_prefix(self.text.as_deref()?)?.strip_prefix('/')?))
    }
}

/// The scheme with its separator, and the rest.
fn split(uri: &str) -> Option<(&str, &str)> {
    let colon = uri.find(':')?;
    if uri[..colon].is_empty()
        || !uri[..colon].chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return None;
    }
    let end = colon + if uri[colon + 1..].starts_with("//") { 3 } else { 1 };
    Some(uri.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_there_and_back() {
        let prefix = Prefix::new(Some("sub")).unwrap();
        for (own, mounted) in [
            ("config://app", "config://sub/app"),
            ("note://{id}/x", "note://sub/{id}/x"),
            ("urn:isbn:1", "urn:sub/isbn:1"),
            ("file:///a/b", "file://sub//a/b"),
            ("ui://clock", "ui://sub/clock"),
        ] {
            assert_eq!(prefix.address(own).as_deref(), Some(mounted));
            let (scheme, rest) = prefix.own(mounted).unwrap();
            assert_eq!(format!("{scheme}{rest}"), own);
            assert!(prefix.own(own).is_none(), "{own}");
        }
        assert!(prefix.address("{+any}").is_none());
        assert!(prefix.own("config://subway/app").is_none());
        assert_eq!(prefix.name(Kind::Tool, "add").as_deref(), Some("sub_add"));
        let completion = |name| prefix.name(Kind::Completion, name);
        assert_eq!(completion("ref/prompt/say#word").as_deref(), Some("ref/prompt/sub_say#word"));
        assert_eq!(
            completion("ref/resource/note://{id}#id").as_deref(),
            Some("ref/resource/note://sub/{id}#id")
        );
        let none = Prefix::new(None).unwrap();
        for (kind, name) in
            [(Kind::Tool, "add"), (Kind::Resource, "config://app"), (Kind::ResourceTemplate, "{+any}")]
        {
            assert_eq!(none.name(kind, name).as_deref(), Some(name));
        }
        for wrong in ["", "a b", "a_b", "a/b", &"x".repeat(65)] {
            assert!(Prefix::new(Some(wrong)).is_err());
        }
    }
}
