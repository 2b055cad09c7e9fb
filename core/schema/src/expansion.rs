//! Finds how many schemas apply to one value. With references, a short schema can stand for any number of checks.
//!
//! The meter of a check counts accesses to the value, and a reference makes no access. So schemas that each refer ten
//! times to the next one would keep a thread busy almost forever, even for a value such as `1`. Such a schema is
//! refused at registration. For other schemas, this module finds how many schemas are applied between two accesses, so
//! that the meter can count them.
//!
//! References are resolved with the validator's own code.

use crate::keywords::{Applies, REFERENCES, SubschemaForm, examines, form_of, is_reference_alone, schemas};
use crate::text::clip;
use referencing::{Draft, Registry, Resolver, ResourceRef, Uri, uri};
use serde_json::Value;
use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// The maximum number of schemas that apply to one value, if the text itself does not contain more.
const MAX_EXPANSION: u64 = 10_000;
/// The maximum depth of these schemas, references included.
const MAX_DEPTH: usize = 128;
/// The maximum number of schemas that are visited to find that number, if references form cycles.
const MAX_LOOKS: u64 = 1_000_000;
/// The number of schemas without an access that one step pays for.
const IDLE_PER_STEP: u64 = 16;
/// The cost of matching one name, as a number of schemas without an access.
const IDLE_PER_PATTERN: u64 = 4;
/// The base URI of references in a schema without an identifier.
const BASE: &str = "json-schema:///";

/// The result for one schema.
pub(crate) struct Expansion {
    /// The cost of one access, including the schemas up to the next one.
    pub(crate) weight: u64,
    /// The place of a reference that was not found. The validator refuses the schema if it resolves that reference.
    pub(crate) lost: Option<String>,
}

/// Refuses a schema that applies too many schemas to one value. The error names the place.
pub(crate) fn measure(schema: &Value, draft: Draft) -> Result<Expansion, String> {
    let mut written = TextStatistics::default();
    written.read(schema);
    if !written.refers {
        // Without references, the length of the text limits the number of schemas.
        return Count::new(draft, u64::MAX).run(schema, None);
    }
    let root = ResourceRef::new(schema, draft);
    let base = uri::from_str(root.id().unwrap_or(BASE));
    let registry = base.and_then(|base| {
        let registry = Registry::new().draft(draft).add(base.as_str(), root)?.prepare()?;
        Ok((registry, base))
    });
    let Ok((registry, base)) = registry else {
        return Ok(Expansion { weight: 1, lost: Some("(root)".to_owned()) });
    };
    let resolver = registry.resolver(base);
    let mut count = Count::new(draft, MAX_EXPANSION.max(written.schemas));
    if written.dynamic {
        count.note(schema, draft, &resolver);
    }
    count.run(schema, Some(&resolver))
}

/// Statistics of the whole schema text, including places that are not schemas.
#[derive(Default)]
struct TextStatistics {
    /// The number of objects, each of which may be a schema.
    schemas: u64,
    refers: bool,
    dynamic: bool,
}

impl TextStatistics {
    fn read(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Object(members) => {
                self.schemas += 1;
                self.refers |= REFERENCES.iter().any(|keyword| members.contains_key(*keyword));
                self.dynamic |=
                    members.contains_key("$dynamicAnchor") || members.contains_key("$recursiveAnchor");
                members.values().for_each(|value| self.read(value));
            }
            _ => {}
        }
    }
}

/// A schema with its base URI.
struct Node<'s> {
    schema: &'s Value,
    draft: Draft,
    resolver: Option<Resolver<'s>>,
    /// The schemas that `schema` applies to the same value, once they are known.
    applied: Option<Rc<AppliedSchemas>>,
    cost: Option<Cost>,
    placed: bool,
}

/// Distinguishes nodes, because the same text may have several base URIs.
type Key = (*const Value, Draft, Option<Arc<Uri<String>>>);

/// The schemas that a schema applies to the same value.
struct AppliedSchemas {
    looks: bool,
    /// Each item is a list of alternatives, and whether one of them is always applied.
    schemas: Vec<(Vec<usize>, bool)>,
}

/// The cost of applying a schema to one value.
#[derive(Clone, Copy)]
struct Cost {
    /// The number of schemas.
    all: u64,
    /// The number of those that may make no access.
    idle: u64,
    /// The length of the longest chain of schemas that apply one another.
    depth: u64,
    /// Whether the value is always accessed.
    looks: bool,
}

impl Cost {
    /// An upper bound of two costs.
    fn or(self, other: Cost) -> Cost {
        Cost {
            all: self.all.max(other.all),
            idle: self.idle.max(other.idle),
            depth: self.depth.max(other.depth),
            looks: self.looks && other.looks,
        }
    }
}

/// The cost of a schema without parts, and of one that is being counted already.
const ONE: Cost = Cost { all: 1, idle: 1, depth: 0, looks: false };
const NONE: usize = usize::MAX;

struct Count<'s> {
    draft: Draft,
    limit: u64,
    nodes: Vec<Node<'s>>,
    known: HashMap<Key, usize>,
    /// The possible targets of dynamic references, by name.
    dynamic: HashMap<&'s str, Vec<usize>>,
    /// The possible targets of recursive references.
    recursive: Vec<usize>,
    /// The targets of references, with the text of the reference.
    referred: Vec<(usize, String)>,
    /// Definitions and their places. The validator compiles only those that are referred to.
    definitions: Vec<(usize, String)>,
    /// The schemas that are being counted, from the outermost to the innermost.
    open: Vec<usize>,
    looks: u64,
    /// The maximum number of schemas between two accesses.
    idle: u64,
    lost: Option<String>,
    /// The present place.
    pointer: String,
}

impl<'s> Count<'s> {
    fn new(draft: Draft, limit: u64) -> Count<'s> {
        Count {
            draft,
            limit,
            nodes: Vec::new(),
            known: HashMap::new(),
            dynamic: HashMap::new(),
            recursive: Vec::new(),
            referred: Vec::new(),
            definitions: Vec::new(),
            open: Vec::new(),
            looks: 0,
            idle: 0,
            lost: None,
            pointer: String::new(),
        }
    }

    fn run(mut self, schema: &'s Value, resolver: Option<&Resolver<'s>>) -> Result<Expansion, String> {
        let root = self.within(schema, self.draft, resolver.cloned());
        if let Some(root) = root {
            self.places(root)?;
        }
        while let Some((node, reference)) = self.referred.pop() {
            self.pointer = reference;
            self.places(node)?;
        }
        let lost = self.lost.take();
        while let Some((node, pointer)) = self.definitions.pop() {
            self.pointer = pointer;
            self.places(node)?;
        }
        Ok(Expansion { weight: 1 + self.idle / IDLE_PER_STEP, lost })
    }

    /// Collects the possible targets of dynamic and recursive references, anywhere in the schema.
    fn note(&mut self, value: &'s Value, draft: Draft, resolver: &Resolver<'s>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.note(item, draft, resolver)),
            Value::Object(members) => {
                let draft = draft.detect(value);
                let within = resolver.in_subresource(ResourceRef::new(value, draft));
                let resolver = within.as_ref().unwrap_or(resolver);
                if let Some(Value::String(anchor)) = members.get("$dynamicAnchor") {
                    let node = self.node(value, draft, Some(resolver.clone()));
                    self.dynamic.entry(anchor).or_default().push(node);
                }
                if members.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
                    let node = self.node(value, draft, Some(resolver.clone()));
                    self.recursive.push(node);
                }
                members.values().for_each(|value| self.note(value, draft, resolver));
            }
            _ => {}
        }
    }

    fn node(&mut self, schema: &'s Value, draft: Draft, resolver: Option<Resolver<'s>>) -> usize {
        let key = (ptr::from_ref(schema), draft, resolver.as_ref().map(|resolver| resolver.base_uri()));
        *self.known.entry(key).or_insert_with(|| {
            self.nodes.push(Node { schema, draft, resolver, applied: None, cost: None, placed: false });
            self.nodes.len() - 1
        })
    }

    /// A schema inside another one of this draft.
    fn within(&mut self, schema: &'s Value, draft: Draft, resolver: Option<Resolver<'s>>) -> Option<usize> {
        let draft = draft.detect(schema);
        let resolver = match resolver.map(|resolver| resolver.in_subresource(ResourceRef::new(schema, draft)))
        {
            None => None,
            Some(Ok(resolver)) => Some(resolver),
            Some(Err(_)) => {
                self.lose();
                return None;
            }
        };
        Some(self.node(schema, draft, resolver))
    }

    fn child(&mut self, parent: usize, schema: &'s Value) -> Option<usize> {
        let Node { draft, resolver, .. } = &self.nodes[parent];
        let (draft, resolver) = (*draft, resolver.clone());
        self.within(schema, draft, resolver)
    }

    fn lose(&mut self) {
        self.lost.get_or_insert_with(|| place(&self.pointer).to_owned());
    }

    /// Counts at every place of a schema, the innermost places first, so that an error names the innermost place.
    fn places(&mut self, node: usize) -> Result<(), String> {
        if std::mem::replace(&mut self.nodes[node].placed, true) {
            return Ok(());
        }
        let Some(members) = self.nodes[node].schema.as_object() else { return Ok(()) };
        let (length, draft) = (self.pointer.len(), self.nodes[node].draft);
        for (keyword, value) in members {
            let defines = matches!(keyword.as_str(), "$defs" | "definitions");
            let held = match form_of(draft, members, keyword) {
                Some((held, _)) => held,
                None if defines => SubschemaForm::Map,
                None => continue,
            };
            for (name, schema) in schemas(held, value) {
                self.pointer.push('/');
                self.pointer.push_str(keyword);
                if let Some(name) = name {
                    self.pointer.push('/');
                    self.pointer.push_str(&name);
                }
                match self.child(node, schema) {
                    Some(child) if defines => self.definitions.push((child, self.pointer.clone())),
                    Some(child) => self.places(child)?,
                    None => {}
                }
                self.pointer.truncate(length);
            }
        }
        let cost = self.count_from(node)?;
        self.idle = self.idle.max(cost.idle + cost.depth);
        // Each name of an object may be matched with each pattern.
        if let Some(Value::Object(patterns)) = members.get("patternProperties") {
            let mut idle = 0;
            for schema in patterns.values() {
                if let Some(child) = self.child(node, schema) {
                    idle += IDLE_PER_PATTERN + self.count_from(child)?.idle;
                }
            }
            self.idle = self.idle.max(idle);
        }
        Ok(())
    }

    fn count_from(&mut self, node: usize) -> Result<Cost, String> {
        self.open.clear();
        let counted = self.count(node).map_err(|TooLarge(what)| {
            format!("at {}: {what}; combine fewer references", place(&self.pointer))
        });
        counted.map(|(cost, _)| cost)
    }

    /// The cost of applying this schema to a value. Also returns the outermost open schema that a cycle leads back to.
    fn count(&mut self, node: usize) -> Result<(Cost, usize), TooLarge> {
        if let Some(cost) = self.nodes[node].cost {
            return Ok((cost, NONE));
        }
        if !self.nodes[node].schema.is_object() {
            return Ok((ONE, NONE));
        }
        let level = self.open.len();
        // A cycle ends where it closes, as in the validator.
        if let Some(back) = self.open.iter().position(|open| *open == node) {
            return Ok((ONE, back));
        }
        self.looks += 1;
        if level >= MAX_DEPTH {
            return Err(TooLarge(format!(
                "more than {MAX_DEPTH} schemas, one within the other, apply to one value"
            )));
        }
        self.open.push(node);
        let applied = self.applied(node);
        let mut sum = Cost { all: 1, idle: 0, depth: 0, looks: applied.looks };
        let (mut each_looks, mut outermost) = (true, NONE);
        for (alternatives, always) in &applied.schemas {
            let mut most: Option<Cost> = None;
            for alternative in alternatives {
                let (cost, back) = self.count(*alternative)?;
                most = Some(most.map_or(cost, |most| most.or(cost)));
                outermost = outermost.min(back);
            }
            let Some(most) = most else { continue };
            sum.all += most.all;
            sum.idle += most.idle;
            sum.depth = sum.depth.max(most.depth + 1);
            if *always {
                sum.looks = true;
                each_looks &= most.looks;
            }
            if sum.all > self.limit || self.looks > MAX_LOOKS {
                return Err(TooLarge(format!("more than {} schemas apply to one value", self.limit)));
            }
        }
        sum.looks &= each_looks;
        sum.idle += u64::from(!sum.looks);
        self.open.pop();
        // The cost of a schema in a cycle is incomplete here, so it is stored only at the start of the cycle.
        if outermost >= level {
            self.nodes[node].cost = Some(sum);
            outermost = NONE;
        }
        Ok((sum, outermost))
    }

    fn applied(&mut self, node: usize) -> Rc<AppliedSchemas> {
        if let Some(applied) = &self.nodes[node].applied {
            return applied.clone();
        }
        let applied = Rc::new(self.find_applied(node));
        self.nodes[node].applied = Some(applied.clone());
        applied
    }

    fn find_applied(&mut self, node: usize) -> AppliedSchemas {
        let (schema, draft) = (self.nodes[node].schema, self.nodes[node].draft);
        let mut applied = AppliedSchemas { looks: false, schemas: Vec::new() };
        let Some(members) = schema.as_object() else { return applied };
        let alone = is_reference_alone(draft, members);
        for (keyword, value) in members {
            if let Value::String(reference) = value {
                let targets = self.targets(node, keyword, reference);
                if !targets.is_empty() {
                    applied.schemas.push((targets, true));
                }
            }
            applied.looks |= !alone && examines(draft, keyword, value);
            let Some((held, applies)) = form_of(draft, members, keyword) else { continue };
            if applies == Applies::Parts {
                continue;
            }
            for (_, schema) in schemas(held, value) {
                let child = self.child(node, schema);
                applied.schemas.extend(child.map(|child| (vec![child], applies == Applies::Same)));
            }
        }
        applied
    }

    /// The possible targets of a reference.
    fn targets(&mut self, node: usize, keyword: &str, reference: &str) -> Vec<usize> {
        let Node { draft, resolver, .. } = &self.nodes[node];
        let Some(resolver) = resolver.clone() else { return Vec::new() };
        let found = match keyword {
            "$ref" if !reference.is_empty() => resolver.lookup(reference),
            "$dynamicRef" if *draft >= Draft::Draft202012 && !reference.is_empty() => {
                resolver.lookup(reference)
            }
            "$recursiveRef" if *draft == Draft::Draft201909 => resolver.lookup_recursive_ref(),
            _ => return Vec::new(),
        };
        let Ok(found) = found else {
            self.lose();
            return Vec::new();
        };
        let (schema, resolver, draft) = found.into_inner();
        let mut targets = vec![self.node(schema, draft, Some(resolver))];
        // The target depends on the path to this reference, so any of them is possible.
        let others = match reference.rsplit_once('#') {
            _ if keyword == "$recursiveRef" => Some(&self.recursive),
            Some((_, anchor)) => self.dynamic.get(anchor),
            None => None,
        };
        targets.extend(others.into_iter().flatten());
        targets.sort_unstable();
        targets.dedup();
        self.referred.extend(targets.iter().map(|target| (*target, reference.to_owned())));
        targets
    }
}

/// The schema is too large; the text says in what way.
struct TooLarge(String);

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "(root)" } else { clip(pointer) }
}
