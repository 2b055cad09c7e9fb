//! Names and addresses of skills.

/// The prefix of every address of a skill.
const SCHEME: &str = "skill://";
const MAX_NAME: usize = 64;

/// Checks the name of a skill (Agent Skills). The error describes the valid form.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    let what = || {
        format!("a skill's name is 1 to {MAX_NAME} characters of a-z 0-9, with single hyphens between them")
    };
    if good { Ok(()) } else { Err(what()) }
}

/// The address of a file or a folder. Characters that RFC 3986 does not allow in a segment are written as `%XX`.
pub(crate) fn uri_of(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@/".contains(&byte);
    let mut uri = String::with_capacity(SCHEME.len() + path.len());
    uri.push_str(SCHEME);
    for byte in path.bytes() {
        match byte {
            // In the first segment, which is in the place of a host, these characters would mean something else.
            b'@' => uri.push_str("%40"),
            byte if plain(byte) => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "pdf-processing", "a1-b2-c3", &"x".repeat(64)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a.b", "a b", "é", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(uri_of("a/b/SKILL.md"), "skill://a/b/SKILL.md");
        assert_eq!(uri_of("a/ü b%?#:@.md"), "skill://a/%C3%BC%20b%25%3F%23%3A%40.md");
    }
}
