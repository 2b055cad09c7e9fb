//! What the JSON Schema of a section says of the values at a path.

use serde_json::Value as Json;

/// The most subschemas that are looked at for one path.
const MOST: usize = 1000;

/// A schema, and those that apply to the same value: by a reference, or as parts of a combination.
fn applied<'a>(root: &'a Json, schema: &'a Json) -> Vec<&'a Json> {
    let mut all = vec![schema];
    let mut next = 0;
    while next < all.len() && all.len() < MOST {
        let one = all[next];
        next += 1;
        let reference =
            one.get("$ref").and_then(Json::as_str).and_then(|reference| reference.strip_prefix('#'));
        let target = reference.and_then(|pointer| root.pointer(pointer));
        let lists =
            ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| one.get(name)?.as_array()).flatten();
        let single = ["if", "then", "else"].into_iter().filter_map(|name| one.get(name));
        for found in target.into_iter().chain(lists).chain(single) {
            if !all.iter().any(|known| std::ptr::eq(*known, found)) {
                all.push(found);
            }
        }
    }
    all
}

/// The schemas of a member of an object, or of an element of an array.
fn step<'a>(schemas: &[&'a Json], name: &str) -> Vec<&'a Json> {
    let mut found = Vec::new();
    for schema in schemas {
        let named = schema.get("properties").and_then(|all| all.get(name));
        let patterns = schema.get("patternProperties").and_then(Json::as_object);
        let items = match schema.get("items") {
            Some(Json::Array(all)) => all.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let prefix = schema.get("prefixItems").and_then(Json::as_array);
        found.extend(named);
        found.extend(patterns.into_iter().flat_map(|all| all.values()));
        if named.is_none() {
            found.extend(schema.get("additionalProperties"));
        }
        if name.bytes().all(|digit| digit.is_ascii_digit()) {
            found.extend(items.into_iter().chain(prefix.into_iter().flatten()));
        }
    }
    found
}

/// The schemas of each step of a path, from the whole section on.
fn along<'a>(root: &'a Json, path: &[impl AsRef<str>]) -> Vec<Vec<&'a Json>> {
    let mut all = vec![applied(root, root)];
    for name in path {
        let last = all.last().map_or(&[][..], Vec::as_slice);
        let mut next: Vec<&Json> = Vec::new();
        for schema in step(last, name.as_ref()) {
            next.extend(applied(root, schema));
            next.truncate(MOST);
        }
        all.push(next);
    }
    all
}

fn at<'a>(root: &'a Json, path: &[impl AsRef<str>]) -> Vec<&'a Json> {
    along(root, path).pop().unwrap_or_default()
}

/// Whether the value at a path is secret, alone or within a secret.
pub(super) fn is_secret(root: &Json, path: &[impl AsRef<str>]) -> bool {
    let says = |schema: &&Json| {
        schema.get("writeOnly") == Some(&true.into()) || schema.get("format") == Some(&"password".into())
    };
    along(root, path).iter().flatten().any(says)
}

/// Whether the value at a path may be a text.
pub(super) fn takes_text(root: &Json, path: &[impl AsRef<str>]) -> bool {
    at(root, path).iter().any(|schema| {
        let kind = schema.get("type");
        let words = schema.get("enum").and_then(Json::as_array);
        kind == Some(&"string".into())
            || kind.and_then(Json::as_array).is_some_and(|kinds| kinds.contains(&"string".into()))
            || schema.get("const").is_some_and(Json::is_string)
            || words.is_some_and(|words| words.iter().any(Json::is_string))
    })
}

/// The names of the members that the object at a path is known to have.
pub(super) fn member_names<'a>(root: &'a Json, path: &[impl AsRef<str>]) -> Vec<&'a str> {
    let members = |schema: &&'a Json| schema.get("properties").and_then(Json::as_object);
    let mut names = Vec::new();
    for name in at(root, path).iter().filter_map(members).flatten().map(|(name, _)| name.as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether the object at a path may have a member of this name.
pub(super) fn may_have(root: &Json, path: &[impl AsRef<str>], name: &str) -> bool {
    member_names(root, path).contains(&name)
        || !at(root, path).iter().any(|schema| schema.get("additionalProperties") == Some(&false.into()))
}
