//! Checks values against the tables. Errors contain the path and the name.

use crate::json::{JsonSlice, Kind};
use crate::proto::catalog::members::formats::{is_base64, is_origin, is_time, is_uri};
use crate::proto::catalog::members::tables::BLOCKS;
use crate::proto::catalog::members::{Form, Table, meta};
use std::borrow::Cow;

/// The path of a value. Its text is built only for an error.
pub(crate) struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

/// The last step of a value's path.
pub(crate) enum Step<'a> {
    /// The path is that of the whole value.
    Whole,
    /// A member, by its name.
    Member(&'a str),
    /// An item of an array, by its index.
    Item(usize),
}

impl<'a> At<'a> {
    /// The path of the whole value.
    pub(crate) const WHOLE: At<'static> = At { above: None, step: Step::Whole };

    pub(crate) fn new(above: &'a At<'a>, step: Step<'a>) -> At<'a> {
        At { above: Some(above), step }
    }

    /// The text of the path: `content[0].annotations`. It is empty for the whole value.
    pub(crate) fn text(&self) -> String {
        let mut text = self.above.map(At::text).unwrap_or_default();
        match self.step {
            Step::Whole => {}
            Step::Item(place) => text.push_str(&format!("[{place}]")),
            Step::Member(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
        }
        text
    }

    fn is_whole(&self) -> bool {
        self.above.is_none() && matches!(self.step, Step::Whole)
    }
}

/// The error `size must be …`.
pub(crate) fn must_be(at: &At<'_>, what: &str) -> String {
    if at.is_whole() { format!("must be {what}") } else { format!("{} must be {what}", at.text()) }
}

/// Checks the value at a path against a form.
pub(crate) fn check(form: &Form, value: &JsonSlice, at: &At<'_>) -> Result<(), String> {
    let demand = |good: bool, what: &str| if good { Ok(()) } else { Err(must_be(at, what)) };
    let kind = value.kind();
    match form {
        Form::Structured => Ok(()),
        Form::Text => demand(kind == Kind::String, "a string"),
        Form::Word => {
            demand(string(value).is_some_and(|text| !text.is_empty()), "a string that is not empty")
        }
        Form::Bool => demand(matches!(kind, Kind::True | Kind::False), "true or false"),
        Form::Count => demand(is_count(value), "an integer from 0"),
        Form::Within(from, to) => {
            let number = (kind == Kind::Number).then(|| value.as_str().parse::<f64>().ok()).flatten();
            let inside = number.is_some_and(|number| *from <= number && number <= *to);
            if inside { Ok(()) } else { Err(must_be(at, &format!("a number from {from} to {to}"))) }
        }
        Form::Uri => demand(
            string(value).is_some_and(|text| is_uri(&text)),
            "an absolute URI, with other characters written as %XX",
        ),
        Form::ViewUri => demand(
            string(value).is_some_and(|text| text.starts_with("ui://") && is_uri(&text)),
            "a URI that starts with ui://",
        ),
        Form::Origin => demand(
            string(value).is_some_and(|text| is_origin(&text)),
            "an origin such as \"https://*.example.com\", without path",
        ),
        Form::Base64 => demand(base64_of(value).is_some_and(|text| is_base64(&text)), "bytes in base64"),
        Form::Time => demand(
            string(value).is_some_and(|text| is_time(&text)),
            "a time such as \"2026-07-28T09:30:00Z\" (RFC 3339)",
        ),
        Form::OneOf(words) => {
            let good = string(value).is_some_and(|text| words.contains(&&*text));
            if good { Ok(()) } else { Err(must_be(at, &format!("one of {}", words.join(", ")))) }
        }
        Form::List(inner) => {
            demand(kind == Kind::Array, "an array")?;
            let mut items = value.elements().enumerate();
            items.try_for_each(|(place, item)| check(inner, &item, &At::new(at, Step::Item(place))))
        }
        Form::Object(table) => check_object(table, value, at),
        Form::Open | Form::Schema | Form::OutputSchema => demand(kind == Kind::Object, "an object"),
        Form::Meta => meta::check(value, at),
        Form::Said if kind == Kind::String => Ok(()),
        Form::Said | Form::Block => {
            demand(kind == Kind::Object, "a content block")?;
            let word = value.member("type");
            let word = word.as_ref().and_then(string);
            match BLOCKS.iter().find(|block| word.as_deref() == Some(block.word)) {
                Some(block) => check_object(&block.table, value, at),
                None => {
                    let words: Vec<&str> = BLOCKS.iter().map(|block| block.word).collect();
                    let what = format!("one of {}", words.join(", "));
                    Err(must_be(&At::new(at, Step::Member("type")), &what))
                }
            }
        }
    }
}

/// Checks the members of an object that the table has. Other members are allowed.
pub(crate) fn check_known(table: &Table, value: &JsonSlice, at: &At<'_>) -> Result<(), String> {
    for member in value.members() {
        let name = member.name(value.as_bytes());
        if let Some(place) = table.find(&name) {
            let inner = At::new(at, Step::Member(&name));
            check(&table.rows[place].form, &value.subslice(member.value), &inner)?;
        }
    }
    Ok(())
}

/// Checks an object against its table: it has no other members and all required ones.
pub(crate) fn check_object(table: &Table, value: &JsonSlice, at: &At<'_>) -> Result<(), String> {
    if value.kind() != Kind::Object {
        return Err(must_be(at, "an object"));
    }
    let mut given = 0u64;
    for member in value.members() {
        let name = member.name(value.as_bytes());
        let Some(place) = table.find(&name) else {
            let unknown = table.unknown(&name);
            return Err(if at.is_whole() { unknown } else { format!("{}: {unknown}", at.text()) });
        };
        given |= 1 << place;
        let inner = At::new(at, Step::Member(&name));
        check(&table.rows[place].form, &value.subslice(member.value), &inner)?;
    }
    for (place, row) in table.rows.iter().enumerate() {
        if row.required && given & (1 << place) == 0 {
            return Err(format!("{} is missing", At::new(at, Step::Member(row.name)).text()));
        }
    }
    let chosen = |name: &&str| table.find(name).is_some_and(|place| given & (1 << place) != 0);
    if !table.one_of.is_empty() && table.one_of.iter().filter(|name| chosen(name)).count() != 1 {
        let what = format!("an object with one of {}", table.one_of.join(", "));
        return Err(must_be(at, &what));
    }
    Ok(())
}

fn string(value: &JsonSlice) -> Option<Cow<'_, str>> {
    value.decode_str()
}

fn is_count(value: &JsonSlice) -> bool {
    value.kind() == Kind::Number && value.as_str().parse::<u64>().is_ok()
}

/// The characters of a string that should be base64. A string without escapes is not decoded.
fn base64_of(value: &JsonSlice) -> Option<Cow<'_, [u8]>> {
    let inside = value.as_bytes().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !inside.contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    value.decode_str().map(|text| Cow::Owned(text.into_owned().into_bytes()))
}
