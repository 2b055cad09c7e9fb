//! The URL of a store.

use crate::dispatch::nearest_name::nearest_name;

/// A way to keep data that a URL can name.
struct Scheme {
    name: &'static str,
    /// Makes the URL's value from what follows the colon.
    read: fn(&str) -> Result<StoreUrl, String>,
}

/// The known schemes.
const SCHEMES: &[Scheme] = &[Scheme { name: "memory", read: read_memory }];

/// A store that is named by a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `memory:`: the memory of this process.
    Memory,
}

impl StoreUrl {
    /// Reads a URL. The error gives the value without its secrets, the known schemes, and the nearest one.
    pub fn parse(url: &str) -> Result<StoreUrl, String> {
        let (name, rest) = url.split_once(':').unwrap_or((url, ""));
        let known =
            || SCHEMES.iter().map(|scheme| format!("{}:", scheme.name)).collect::<Vec<_>>().join(", ");
        let found = SCHEMES.iter().find(|scheme| scheme.name.eq_ignore_ascii_case(name));
        match found {
            Some(scheme) if url.contains(':') => (scheme.read)(rest),
            Some(scheme) => Err(format!("{url:?} has no colon; write \"{}:\"", scheme.name)),
            None => {
                let near = nearest_name(name, SCHEMES.iter().map(|scheme| scheme.name)).unwrap_or_default();
                let shown = shown(url);
                Err(format!(
                    "{shown:?} has an unknown scheme; the nearest scheme is \"{near}:\"; the schemes are {}",
                    known()
                ))
            }
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        match self {
            StoreUrl::Memory => "memory:",
        }
    }
}

fn read_memory(rest: &str) -> Result<StoreUrl, String> {
    if rest.is_empty() {
        return Ok(StoreUrl::Memory);
    }
    Err("\"memory:\" has nothing after the colon; remove the rest".to_owned())
}

/// The largest number of characters of a URL in a message.
const MAX_SHOWN: usize = 80;

/// The URL for a message: without user, password, query and fragment. What looks like them is left out too, because a
/// wrong URL may have a password anywhere.
fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once(':').map_or(("", url), |(scheme, rest)| (scheme, rest));
    let colon = if url.contains(':') { ":" } else { "" };
    let (hidden, visible) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("***@", host));
    let slashes = if !hidden.is_empty() && rest.starts_with("//") { "//" } else { "" };
    let end = visible.find(['?', '#']).unwrap_or(visible.len());
    let cut = if end < visible.len() { "***" } else { "" };
    // Without a user, a colon may be in front of a port or of a password; only digits are a port.
    let visible = match visible[..end].split_once(':') {
        Some((host, port))
            if port.split('/').next().is_some_and(|port| !port.bytes().all(|c| c.is_ascii_digit())) =>
        {
            format!("{host}:***")
        }
        _ => visible[..end].to_owned(),
    };
    let all = format!("{scheme}{colon}{slashes}{hidden}{visible}{cut}");
    match all.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &all[..end]),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_has_a_url() {
        for url in ["memory:", "MEMORY:"] {
            assert_eq!(StoreUrl::parse(url), Ok(StoreUrl::Memory));
        }
        assert_eq!(StoreUrl::parse(StoreUrl::Memory.as_str()), Ok(StoreUrl::Memory));
        let error = StoreUrl::parse("memory://x").unwrap_err();
        assert!(error.contains("nothing after the colon"), "{error}");
        let error = StoreUrl::parse("memory").unwrap_err();
        assert_eq!(error, "\"memory\" has no colon; write \"memory:\"");
    }

    #[test]
    fn an_unknown_scheme_is_named() {
        let error = StoreUrl::parse("memry:").unwrap_err();
        assert_eq!(
            error,
            "\"memry:\" has an unknown scheme; the nearest scheme is \"memory:\"; the schemes are memory:"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        for (url, shown_as) in [
            ("redys://user:secret@host:6379/0", "redys://***@host:6379/0"),
            ("redys://:secret@host", "redys://***@host"),
            ("redys://user:se@secret@host", "redys://***@host"),
            ("redys://user:s/e?c#secret@host", "redys://***@host"),
            ("redys:user:secret@host", "redys:***@host"),
            ("redys://host/0?password=secret", "redys://host/0***"),
            ("redys://host#secret", "redys://host***"),
            ("redys://host:secret", "redys://host:***"),
            ("redys://:secret", "redys://:***"),
            ("secret@host", "***@host"),
            ("user:secret", "user:secret"),
        ] {
            let error = StoreUrl::parse(url).unwrap_err();
            assert!(error.contains(&format!("{shown_as:?}")), "{error}");
        }
        let long = format!("x:{}", "é".repeat(1000));
        assert!(StoreUrl::parse(&long).unwrap_err().len() < 400);
    }
}
