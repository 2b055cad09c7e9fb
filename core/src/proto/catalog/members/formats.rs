//! Checks of formats.

/// Whether `text` is an absolute URI with only the characters that RFC 3986 allows.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(in_scheme) {
        return false;
    }
    let rest = rest.as_bytes();
    let legal = |(place, byte): (usize, &u8)| match byte {
        b'%' => rest.get(place + 1..place + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)),
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        byte => byte.is_ascii_graphic(),
    };
    !rest.is_empty() && rest.iter().enumerate().all(legal)
}

/// Whether `text` is one source of a content security policy: a scheme, a host that may begin with `*.`, and optionally
/// a port. Characters that would end the source and begin another are not allowed.
pub(super) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_address =
        |inside: &str| inside.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let is_host = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => !inside.is_empty() && is_address(inside),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        }),
    };
    let is_port = |port: &str| port == "*" || port.parse::<u16>().is_ok();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(in_scheme)
        && is_host
        && port.is_none_or(is_port)
}

/// Whether `text` is base64 with its padding (RFC 4648, section 4).
pub(super) fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let digits = &text[..text.len() - padding];
    text.len().is_multiple_of(4)
        && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Whether `text` is a time in the form of RFC 3339: `2026-07-28T09:30:00Z`.
pub(super) fn is_time(text: &str) -> bool {
    moment(text.as_bytes()).is_some()
}

fn moment(text: &[u8]) -> Option<()> {
    let number = |place: usize, digits: usize| -> Option<u32> {
        let part = text.get(place..place + digits)?;
        part.iter().all(u8::is_ascii_digit).then_some(())?;
        Some(part.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    };
    let within = |value: u32, from: u32, to: u32| (from <= value && value <= to).then_some(());
    let mark = |place: usize, marks: &[u8]| text.get(place).filter(|byte| marks.contains(byte)).map(|_| ());

    let (year, month) = (number(0, 4)?, number(5, 2)?);
    within(month, 1, 12)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    within(number(8, 2)?, 1, days)?;
    within(number(11, 2)?, 0, 23)?;
    within(number(14, 2)?, 0, 59)?;
    // 60 is a leap second.
    within(number(17, 2)?, 0, 60)?;
    for (place, marks) in [(4, "-"), (7, "-"), (10, "Tt"), (13, ":"), (16, ":")] {
        mark(place, marks.as_bytes())?;
    }
    let mut end = 19;
    if text.get(end) == Some(&b'.') {
        let digits = text[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        within(u32::try_from(digits).ok()?, 1, u32::MAX)?;
        end += 1 + digits;
    }
    match text.get(end)? {
        b'Z' | b'z' => end += 1,
        b'+' | b'-' => {
            within(number(end + 1, 2)?, 0, 23)?;
            mark(end + 3, b":")?;
            within(number(end + 4, 2)?, 0, 59)?;
            end += 6;
        }
        _ => return None,
    }
    (end == text.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for good in
            ["file:///a/b%20c", "config://app", "a:b", "urn:isbn:0-1", "https://x.y/?q=[1]#f", "ui://x"]
        {
            assert!(is_uri(good), "{good}");
        }
        for bad in
            ["", "a", "/a/b", "a:", ":b", "1a:b", "a b:c", "a:b c", "a:é", "a:%2", "a:%zz", "a:{b}", "a:\n"]
        {
            assert!(!is_uri(bad), "{bad}");
        }
    }

    #[test]
    fn origins() {
        for good in [
            "https://example.com",
            "wss://a.b-c.example.com:8443",
            "https://*.example.com",
            "http://127.0.0.1:*",
            "http://[::1]:80",
            "http://localhost",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "*",
            "https://",
            "https://*",
            "https://a.*.com",
            "https://example.com/",
            "https://example.com/path",
            "https://a.com; script-src *",
            "https://a.com https://b.com",
            "https://a.com,b",
            "'self'",
            "https://a.com:99999",
            "https://a..com",
            "https://user@a.com",
            "data:",
            "1http://a.com",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn base64() {
        for good in ["", "AAAA", "AA==", "AAA=", "+/09azAZ"] {
            assert!(is_base64(good.as_bytes()), "{good}");
        }
        for bad in ["A", "AA", "AAA", "A===", "====", "AA=A", "AAAA=", "AA\nA", "AA-_", "A A="] {
            assert!(!is_base64(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn times() {
        for good in [
            "2026-07-28T09:30:00Z",
            "2024-02-29t23:59:60.123456789z",
            "2000-02-29T00:00:00+14:00",
            "0000-01-01T00:00:00.0-23:59",
        ] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "",
            "2026-07-28",
            "2026-07-28T09:30Z",
            "2026-07-28T09:30:00",
            "2026-07-28 09:30:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Zx",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+01:0é",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
