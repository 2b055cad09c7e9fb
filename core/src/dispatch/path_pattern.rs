//! The paths of requests that one route answers.

/// A path, or all paths below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathPattern {
    /// This path, also with a slash at its end.
    Exact(String),
    /// This path, and all paths below it.
    Prefix(String),
}

impl From<&str> for PathPattern {
    fn from(path: &str) -> PathPattern {
        PathPattern::Exact(path.to_owned())
    }
}

impl PathPattern {
    /// Whether the path of a request fits.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            PathPattern::Exact(own) => path == own || path.strip_suffix('/').is_some_and(|path| path == own),
            PathPattern::Prefix(own) => {
                let below = path.strip_prefix(own.as_str());
                below.is_some_and(|below| below.is_empty() || own.ends_with('/') || below.starts_with('/'))
            }
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            PathPattern::Exact(own) | PathPattern::Prefix(own) => own,
        }
    }

    /// Whether the patterns would be confused: they are equal but for a slash at the end. An exact path and a prefix
    /// are not, because the exact path is preferred.
    pub(crate) fn is_same(&self, other: &PathPattern) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.path().strip_suffix('/').unwrap_or(self.path())
                == other.path().strip_suffix('/').unwrap_or(other.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(path: &str) -> PathPattern {
        PathPattern::Exact(path.to_owned())
    }

    fn prefix(path: &str) -> PathPattern {
        PathPattern::Prefix(path.to_owned())
    }

    #[test]
    fn an_exact_path_is_accepted_with_and_without_a_slash_at_its_end() {
        assert!(exact("/a").matches("/a") && exact("/a").matches("/a/") && exact("/").matches("/"));
        for other in ["/", "", "/ab", "/a/b", "/a//", "/A", "*"] {
            assert!(!exact("/a").matches(other), "{other}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        for path in ["/a", "/a/", "/a/b", "/a//"] {
            assert!(prefix("/a").matches(path), "{path}");
        }
        for path in ["/", "/ab", "/A/b", "*", ""] {
            assert!(!prefix("/a").matches(path), "{path}");
        }
        assert!(prefix("/").matches("/") && prefix("/").matches("/a/b") && !prefix("/").matches("*"));
        assert!(prefix("/a/").matches("/a/b") && !prefix("/a/").matches("/a"));
    }

    #[test]
    fn the_same_pattern_is_written_with_and_without_a_slash_at_its_end() {
        assert!(exact("/a").is_same(&exact("/a")) && exact("/a/").is_same(&exact("/a")));
        assert!(prefix("/").is_same(&prefix("/")) && prefix("/a").is_same(&prefix("/a/")));
        assert!(!exact("/a").is_same(&exact("/b")) && !exact("/a").is_same(&prefix("/a")));
    }
}
