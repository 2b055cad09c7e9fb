//! URI templates: a template in the first line, a URI in the second.

use crate::dispatch::uri_template::{TemplateSet, UriTemplate, Value};
use std::sync::Arc;

pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (template, uri) = text.split_once('\n').unwrap_or((&text, ""));
    let read = match UriTemplate::parse(template) {
        Ok(read) => Arc::new(read),
        Err(reason) => return assert!(!reason.is_empty()),
    };
    assert_eq!(read.as_str(), template);
    let set = TemplateSet::new([read.clone()]);
    let found = read.matches(uri);
    assert_eq!(set.find(uri).map(|(_, values)| values), found);
    let Some(values) = found else { return };
    let names: Vec<&str> = read.variables().collect();
    assert!(values.iter().all(|(name, _)| names.contains(name)), "{values:?}");
    // Where no operator lets a variable be more than one segment, none is.
    if !template.contains("{+") && !template.contains("{#") && !template.contains('*') {
        let segment = |value: &str| !value.contains('/') && value != "..";
        for (name, value) in &values {
            if let Value::Text(text) = value {
                let query = template.contains("{?") || template.contains("{&") || template.contains("{;");
                assert!(query || segment(text), "{name} is {text:?}");
            }
        }
    }
    // What it stands for is a URI that fits again.
    let _ = read.expand(&values);
}
