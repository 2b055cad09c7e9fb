//! What is registered: cheap to change, read as immutable snapshots, lists kept as bytes.

use super::tool::ToolEntry;
use crate::error::{Error, ErrorKind};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::version::Revision;
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// The tools of a server at one moment, in order of registration.
#[derive(Debug)]
pub struct Snapshot<T> {
    tools: Vec<Arc<ToolEntry<T>>>,
    by_name: HashMap<String, usize>,
    lists: [OnceLock<JsonSlice>; Revision::ALL.len()],
}

/// The registry: the names being changed, and the snapshot that readers share.
#[derive(Debug)]
pub struct Registry<T> {
    tools: Mutex<Tools<T>>,
    /// Empty after a change; the next reader rebuilds it, so a burst of changes costs one snapshot.
    snapshot: RwLock<Option<Arc<Snapshot<T>>>>,
}

#[derive(Debug)]
struct Tools<T> {
    in_order: Vec<Arc<ToolEntry<T>>>,
    names: HashSet<String>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        let tools = Tools { in_order: Vec::new(), names: HashSet::new() };
        Registry { tools: Mutex::new(tools), snapshot: RwLock::default() }
    }
}

impl<T> Registry<T> {
    /// Adds a tool; a second one of the same name is refused.
    pub fn add(&self, entry: ToolEntry<T>) -> Result<(), Error> {
        let mut tools = self.tools.lock();
        if tools.names.contains(&entry.name) {
            return Err(Error::new(
                ErrorKind::Duplicate,
                format!("tool {:?} is registered already", entry.name),
            ));
        }
        tools.names.insert(entry.name.clone());
        tools.in_order.push(Arc::new(entry));
        *self.snapshot.write() = None;
        Ok(())
    }

    /// Removes a tool; calls in flight go on. Returns its entry, so that a host can let go of the handler.
    pub fn remove(&self, name: &str) -> Option<Arc<ToolEntry<T>>> {
        let mut tools = self.tools.lock();
        tools.names.take(name)?;
        let place = tools.in_order.iter().position(|tool| tool.name == name)?;
        let entry = tools.in_order.remove(place);
        *self.snapshot.write() = None;
        Some(entry)
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot<T>> {
        if let Some(snapshot) = &*self.snapshot.read() {
            return snapshot.clone();
        }
        let tools = self.tools.lock();
        let mut place = self.snapshot.write();
        place
            .get_or_insert_with(|| {
                let by_name =
                    tools.in_order.iter().enumerate().map(|(i, tool)| (tool.name.clone(), i)).collect();
                Arc::new(Snapshot { tools: tools.in_order.clone(), by_name, lists: Default::default() })
            })
            .clone()
    }
}

impl<T> Snapshot<T> {
    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<ToolEntry<T>>> {
        self.by_name.get(name).map(|&place| &self.tools[place])
    }

    /// The finished array of `tools/list`, serialised once per snapshot and revision.
    pub fn tools_list(&self, revision: Revision) -> &JsonSlice {
        self.lists[revision.index()].get_or_init(|| {
            let mut out = JsonWriter::with_capacity(256 * self.tools.len() + 2);
            out.begin_array();
            for tool in &self.tools {
                tool.describe(revision, &mut out);
            }
            out.end_array();
            out.into_slice()
        })
    }
}
