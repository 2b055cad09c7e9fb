//! A canonical form of JSON values as bytes, for digests: texts with the same meaning give the same bytes.

use std::fmt::{self, Write};

use super::flat::flat;
use super::scan::Kind;
use super::slice::JsonSlice;
use super::tape::{Tape, TapeValue};

/// Passes the canonical form of `value` to `feed`, in pieces. The order of members, escapes and white space make no
/// difference. Numbers are equal if they are the same 64-bit integer or the same double; an integer is not equal to a
/// double (`1` and `1.0`).
///
/// It needs twelve bytes of memory for each part of the text, and four for each member of the objects that contain the
/// present part.
pub(crate) fn canonical(value: &JsonSlice, feed: &mut impl FnMut(&[u8])) {
    spot(Tape::new(value.as_str()).root(), Numbers::Doubles, feed);
}

/// The same, but numbers are equal only if they are written alike or are the same 64-bit integer: for programs that
/// read numbers exactly.
pub(crate) fn canonical_exact(value: &JsonSlice, feed: &mut impl FnMut(&[u8])) {
    // Most arguments have no nesting, and their members are in order.
    if let Some((members, count)) = flat(value.as_bytes()) {
        start(b'{', count, feed);
        for (name, value) in &members[..count] {
            text(name, feed);
            match value {
                [b'"', quoted @ .., b'"'] => text(quoted, feed),
                [first @ (b'n' | b't' | b'f'), ..] => feed(&[*first]),
                // A number counts as it is written. That is also the canonical form of an integer.
                number => [b"#", *number, b";"].into_iter().for_each(&mut *feed),
            }
        }
        return;
    }
    spot(Tape::new(value.as_str()).root(), Numbers::Exact, feed);
}

/// Which numbers are equal.
#[derive(Clone, Copy)]
enum Numbers {
    /// Those that are the same double.
    Doubles,
    /// Those that are written alike, unless they are integers.
    Exact,
}

/// Feeds one value. The length comes before the content, so that no two values give the same bytes. The depth limit of
/// the scan also limits the recursion.
fn spot(value: TapeValue<'_>, numbers: Numbers, feed: &mut impl FnMut(&[u8])) {
    match value.kind() {
        Kind::Null => feed(b"n"),
        Kind::True => feed(b"t"),
        Kind::False => feed(b"f"),
        Kind::Number => number(value, numbers, feed),
        Kind::String => string(value, feed),
        Kind::Array => {
            start(b'[', value.len(), feed);
            value.parts().for_each(|item| spot(item, numbers, feed));
        }
        Kind::Object => {
            start(b'{', value.len(), feed);
            for name in value.sorted_names() {
                string(name, feed);
                spot(name.following(), numbers, feed);
            }
        }
    }
}

fn start(tag: u8, length: usize, feed: &mut impl FnMut(&[u8])) {
    let mut bytes = [tag; 9];
    bytes[1..].copy_from_slice(&(length as u64).to_be_bytes());
    feed(&bytes);
}

fn string(value: TapeValue<'_>, feed: &mut impl FnMut(&[u8])) {
    text(value.string().unwrap_or_default().as_bytes(), feed);
}

fn text(bytes: &[u8], feed: &mut impl FnMut(&[u8])) {
    start(b'"', bytes.len(), feed);
    feed(bytes);
}

fn number(value: TapeValue<'_>, numbers: Numbers, feed: &mut impl FnMut(&[u8])) {
    feed(b"#");
    let number = value.number().filter(|number| matches!(numbers, Numbers::Doubles) || !number.is_f64());
    match number {
        Some(number) => {
            let _ = write!(Feed(feed), "{number}");
        }
        // The text of the number counts, for example if it is out of range.
        None => feed(value.written().as_bytes()),
    }
    feed(b";");
}

/// Feeds formatted text.
struct Feed<'a, F>(&'a mut F);

impl<F: FnMut(&[u8])> Write for Feed<'_, F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use proptest::prelude::*;

    const VALUES: &str =
        "[1-9][0-9]{0,25}|0|-0|-7|1e5|-1[.]50|null|true|false|\\[\\]|\"[a é]{0,3}\"|\"\\\\n\"";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_one_pass_finds_is_the_canonical_form(
            members in proptest::collection::vec(("[a-d!é]{0,2}", VALUES), 0..10),
            is_sorted in any::<bool>(),
            space in " ?",
        ) {
            let mut members = members;
            if is_sorted {
                members.sort();
                members.dedup_by(|(one, _), (other, _)| one == other);
            }
            let written = |(name, value): &(String, String)| format!("{space}\"{name}\"{space}:{space}{value}{space}");
            let text = members.iter().map(written).collect::<Vec<_>>().join(",");
            let Ok(slice) = JsonSlice::parse(format!("{{{text}}}").into(), &Limits::default()) else {
                prop_assert!(!is_sorted, "names that occur twice may be refused: {text}");
                return Ok(());
            };
            let is_simple = |(_, value): &(String, String)| !value.contains(['[', '\\']);
            let one_pass = members.len() <= 8 && members.iter().all(is_simple);
            prop_assert!(!is_sorted || flat(slice.as_bytes()).is_some() == one_pass);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            canonical_exact(&slice, &mut |bytes| one.extend_from_slice(bytes));
            spot(Tape::new(slice.as_str()).root(), Numbers::Exact, &mut |bytes| other.extend_from_slice(bytes));
            prop_assert_eq!(one, other, "{}", slice.as_str());
        }
    }

    #[test]
    fn objects_without_nesting_are_read_in_one_pass() {
        let is_flat = |text: &str| flat(text.as_bytes()).is_some();
        for text in [r#"{}"#, r#"{"a":1}"#, r#"{ "a" : "x", "b":null,"c":-1.5 }"#] {
            assert!(is_flat(text), "{text}");
        }
        for text in
            [r#"{"b":1,"a":2}"#, r#"{"a":[]}"#, r#"{"a":"\n"}"#, r#"{"a":1,"a":1}"#, "[]", "1", "\"a\""]
        {
            assert!(!is_flat(text), "{text}");
        }
    }

    fn of(text: &str) -> Vec<u8> {
        let mut fed = Vec::new();
        let slice = JsonSlice::parse(text.to_owned().into(), &Limits::default()).unwrap();
        canonical(&slice, &mut |bytes| fed.extend_from_slice(bytes));
        fed
    }

    #[test]
    fn texts_of_one_meaning_are_fed_alike() {
        let deep = |inner: &str| "[{\"a\":".repeat(20) + inner + &"}]".repeat(20);
        for (a, b) in [
            (r#"{"a":1,"b":[true,null]}"#.to_owned(), r#"{ "b" : [ true , null ] , "a" : 1 }"#.to_owned()),
            (r#"{"\u0061":"\u00e9\n","b":"\/"}"#.into(), r#"{"b":"/","a":"é\u000a"}"#.into()),
            (r#"{"\ud83d\ude00":1,"\uffee":2,"z\n":3}"#.into(), r#"{"z\u000a":3,"￮":2,"😀":1}"#.into()),
            ("[1.0,100.0,1.5,-0.0]".into(), "[1.00,1e2,15e-1,-0]".into()),
            ("0.1".into(), format!("0.1{}", "0".repeat(100_000))),
            (deep(r#"{"x":{"y":1},"w":2}"#), deep(r#"{"w":2,"x":{"y":1}}"#)),
        ] {
            assert_eq!(of(&a), of(&b), "{a} {b}");
        }
    }

    #[test]
    fn exact_numbers_are_told_apart() {
        let of = |text: &str| {
            let mut fed = Vec::new();
            let slice = JsonSlice::parse(text.to_owned().into(), &Limits::default()).unwrap();
            canonical_exact(&slice, &mut |bytes| fed.extend_from_slice(bytes));
            fed
        };
        for (a, b) in [
            ("[18446744073709551617]", "[18446744073709551618]"),
            ("1.0", "1.00"),
            ("0.1", "0.10000000000000000001"),
            ("1", "1.0"),
            ("{\"a\":1e2}", "{\"a\":100}"),
        ] {
            assert_ne!(of(a), of(b), "{a} {b}");
        }
        assert_eq!(of("{\"a\":1,\"b\":[2.5]}"), of("{\"b\" : [ 2.5 ], \"a\": 1}"));
    }

    #[test]
    fn texts_of_different_meanings_are_fed_differently() {
        let mut texts: Vec<String> = [
            "1",
            "1.0",
            "-1",
            "10",
            "0",
            "-0",
            "1.5",
            "18446744073709551615",
            "18446744073709551614",
            "null",
            "true",
            "false",
            r#""""#,
            r#""1""#,
            r#""null""#,
            "[]",
            "{}",
            "[[]]",
            "[[],[]]",
            "[[[]]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            "[1,[2]]",
            "[[1],2]",
            r#"["a","b"]"#,
            r#"["ab"]"#,
            r#"["ab",""]"#,
            r#"{"a":"b"}"#,
            r#"{"b":"a"}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"\\u0061":1}"#,
            r#"{"a":1}"#,
            r#""\u0000""#,
        ]
        .map(str::to_owned)
        .into();
        texts.push("[".repeat(60) + &"]".repeat(60));
        texts.push("[".repeat(59) + &"]".repeat(59));
        let fed: Vec<_> = texts.iter().map(|text| of(text)).collect();
        for (place, one) in fed.iter().enumerate() {
            let same = fed[..place].iter().position(|other| other == one);
            assert!(same.is_none(), "{} {:?}", texts[place], same.map(|other| &texts[other]));
        }
    }
}
