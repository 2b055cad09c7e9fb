//! Fuzz target for URI templates. The first line is a template, the second one a URI, and further lines are other
//! templates.

use crate::dispatch::uri_template::{MAX_URI, TemplateSet, UriTemplate, Value};
use std::cmp::Reverse;
use std::sync::Arc;

pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let (template, uri) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let read = match UriTemplate::parse(template) {
        Ok(read) => Arc::new(read),
        Err(reason) => return assert!(!reason.is_empty()),
    };
    assert_eq!(read.as_str(), template);
    let others = lines.take(8).filter_map(|line| UriTemplate::parse(line).ok().map(Arc::new));
    let all: Vec<_> = [read.clone()].into_iter().chain(others).collect();
    let set = TemplateSet::new(all.clone());
    let fitting = all.iter().enumerate().filter_map(|(place, one)| Some((place, one, one.matches(uri)?)));
    let best = fitting.max_by_key(|(place, one, _)| (one.specificity(), Reverse(*place)));
    assert_eq!(set.find(uri), best.map(|(place, _, values)| (place, values)));
    let values = read.matches(uri);
    let lifted = UriTemplate::clone(&read).unsafe_paths(true);
    let with_unsafe = lifted.matches(uri);
    // The option may only add addresses that have values that lead out of a folder.
    match (&values, &with_unsafe) {
        (None, Some(added)) => assert!(leads_out(template, added), "{added:?}"),
        _ => assert_eq!(values, with_unsafe),
    }
    if let Some(values) = values {
        found(&read, uri, values);
    }
}

/// Whether a value has a segment `..`, or the value of `{+x}` is an absolute path or starts with a drive.
fn leads_out(template: &str, values: &[(&str, Value)]) -> bool {
    values.iter().any(|(name, value)| {
        let items = match value {
            Value::Text(text) => std::slice::from_ref(text),
            Value::List(items) => items,
        };
        let open = format!("{{+{name}");
        let is_open =
            template.match_indices(&open).any(|(at, _)| template[at + open.len()..].starts_with(['}', ':']));
        let is_absolute = |item: &str| {
            let bytes = item.as_bytes();
            item.starts_with(['/', '\\'])
                || bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':')
        };
        items
            .iter()
            .any(|item| item.split(['/', '\\']).any(|part| part == "..") || is_open && is_absolute(item))
    })
}

/// Checks the values that expand a template to this URI.
fn found(read: &UriTemplate, uri: &str, values: Vec<(&str, Value)>) {
    let template = read.as_str();
    let names: Vec<&str> = read.variables().collect();
    assert!(values.iter().all(|(name, _)| names.contains(name)), "{values:?}");
    assert!(!leads_out(template, &values), "{values:?}");
    // If no operator allows a variable to have more than one segment, no value has more.
    let open = template.contains("{+") || template.contains("{#");
    let named = template.contains("{?") || template.contains("{&") || template.contains("{#");
    let queried = named || template.contains(['?', '#']);
    for (name, value) in &values {
        let items = match value {
            Value::Text(text) => std::slice::from_ref(text),
            Value::List(items) => items,
        };
        for item in items {
            assert!(!item.contains('\0'), "{name} is {item:?}");
            assert!(queried || open || !item.contains('/'), "{name} is {item:?}");
        }
    }
    // If the values are expanded, the URI must match with the same values. If reserved characters are not encoded,
    // this is not so for encoded input.
    if !open || !uri.contains('%') {
        let again = read.expand(&values);
        // The encoded form may be longer than an address that is matched.
        let wanted = (again.len() <= MAX_URI).then_some(&values);
        assert_eq!(read.matches(&again).as_ref(), wanted, "{again}");
    }
}
