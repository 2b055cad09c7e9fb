//! The skills of all sources together, by address: the entries of skills, their files, and the folders they are in.

use super::{MANIFEST, Skill, SkillFile, SourceContents, uri_of};
use crate::dispatch::media::{is_text, media_type};
use crate::json::{JsonSlice, JsonWriter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const DIRECTORY: &str = "inode/directory";

/// The skills that are served at one moment. Everything is looked up by its whole address, so no client input becomes
/// a path.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// The entry of each skill, by its address.
    skills: BTreeMap<String, JsonSlice>,
    /// The resource of each skill's manifest, by its address.
    manifests: BTreeMap<String, JsonSlice>,
    /// The location of each file: the index of its source, and its path there.
    files: HashMap<String, (usize, String)>,
    /// The contents of each folder, by the children's addresses.
    folders: HashMap<String, BTreeMap<String, JsonSlice>>,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// An array.
    pub(crate) items: JsonSlice,
    /// The item after which the next page begins, if there is a next page.
    pub(crate) next: Option<String>,
}

impl Library {
    /// The skills of these sources. A skill whose address is taken is left out, and is reported with the faults.
    pub(crate) fn new(sources: &[Arc<SourceContents>]) -> (Library, Vec<String>) {
        let mut library = Library::default();
        let mut faults: Vec<String> = Vec::new();
        for (place, looked) in sources.iter().enumerate() {
            faults.extend(looked.faults.iter().cloned());
            for skill in &looked.skills {
                let uri = uri_of(&format!("{}/{MANIFEST}", skill.path));
                let taken = library.files.get(&uri).is_some_and(|(other, _)| *other != place);
                if taken {
                    faults.push(format!("skill {uri} is served from another folder already"));
                } else {
                    library.add(place, uri, skill);
                }
            }
        }
        (library, faults)
    }

    fn add(&mut self, place: usize, uri: String, skill: &Skill) {
        self.skills.insert(uri.clone(), entry(&uri, skill));
        for file in &skill.files {
            let address = uri_of(&file.path);
            let of_itself = address == uri;
            // A skill within another one is described by its own manifest.
            if of_itself || !self.files.contains_key(&address) {
                let resource = resource(&address, file, of_itself.then_some(skill));
                if of_itself {
                    self.manifests.insert(address.clone(), resource.clone());
                }
                self.add_resource(&file.path, &address, resource);
                self.files.insert(address, (place, file.path.clone()));
            }
        }
    }

    /// Adds a child to its folder, and that folder to the one above.
    fn add_resource(&mut self, path: &str, address: &str, resource: JsonSlice) {
        let Some((above, _)) = path.rsplit_once('/') else { return };
        let folder = uri_of(above);
        let is_new = !self.folders.contains_key(&folder);
        self.folders.entry(folder.clone()).or_default().insert(address.to_owned(), resource);
        if is_new {
            let name = above.rsplit('/').next().unwrap_or(above);
            let mut out = JsonWriter::new();
            out.begin_object()
                .key("uri")
                .str(&folder)
                .key("name")
                .str(name)
                .key("mimeType")
                .str(DIRECTORY)
                .end_object();
            self.add_resource(above, &folder, out.into_slice());
        }
    }

    /// The location of a file: the index of its source, and its path there.
    pub(crate) fn file(&self, uri: &str) -> Option<(usize, &str)> {
        self.files.get(uri).map(|(place, path)| (*place, path.as_str()))
    }

    /// The entry of the skill with this manifest.
    pub(crate) fn skill(&self, uri: &str) -> Option<&JsonSlice> {
        self.skills.get(uri)
    }

    /// The entries after `after`: `size` of them, or all if it is 0. They have at most about `bytes`, but there is at
    /// least one.
    pub(crate) fn skills(&self, after: Option<&str>, size: usize, bytes: usize) -> Page {
        page(&self.skills, after, size, bytes)
    }

    /// The manifests as resources, with the same limits.
    pub(crate) fn manifests(&self, after: Option<&str>, size: usize, bytes: usize) -> Page {
        page(&self.manifests, after, size, bytes)
    }

    /// The contents of a folder, with the same limits. `None` if there is no such folder.
    pub(crate) fn folder(&self, uri: &str, after: Option<&str>, size: usize, bytes: usize) -> Option<Page> {
        Some(page(self.folders.get(uri)?, after, size, bytes))
    }
}

fn page(all: &BTreeMap<String, JsonSlice>, after: Option<&str>, size: usize, bytes: usize) -> Page {
    use std::ops::Bound::{Excluded, Unbounded};
    let start = after.map_or(Unbounded, Excluded);
    let mut rest = all.range::<str, _>((start, Unbounded)).peekable();
    let mut out = JsonWriter::new();
    out.begin_array();
    let (mut count, mut last) = (0, None);
    while let Some((key, item)) = rest.peek() {
        let full = size > 0 && count == size || out.as_bytes().len() + item.as_bytes().len() > bytes;
        if count > 0 && full {
            break;
        }
        out.slice(item);
        (count, last) = (count + 1, Some(key.as_str()));
        rest.next();
    }
    out.end_array();
    let next = rest.peek().and(last).map(str::to_owned);
    Page { items: out.into_slice(), next }
}

fn entry(uri: &str, skill: &Skill) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(256 + 160 * skill.files.len());
    out.begin_object().key("uri").str(uri).key("frontmatter").slice(&skill.front_matter.json);
    out.key("resources").begin_array();
    for file in &skill.files {
        let hex: String = file.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        out.begin_object().key("uri").str(&uri_of(&file.path));
        out.key("digest").str(&format!("sha256:{hex}")).key("size").uint(file.size).end_object();
    }
    out.end_array().end_object();
    out.into_slice()
}

/// A file as lists show it. A manifest has the description of its skill.
fn resource(uri: &str, file: &SkillFile, skill: Option<&Skill>) -> JsonSlice {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let mut out = JsonWriter::new();
    out.begin_object().key("uri").str(uri);
    out.key("name").str(skill.map_or(name, |skill| &skill.front_matter.name));
    if let Some(skill) = skill {
        out.key("description").str(&skill.front_matter.description);
    }
    if let Some(media) = media_type(name) {
        out.key("mimeType").str(media);
    }
    out.key("size").uint(file.size).end_object();
    out.into_slice()
}

/// The result of reading a file. It is text if its name says so, or, for an unknown name, if its bytes are text.
pub(crate) fn contents(uri: &str, path: &str, bytes: Vec<u8>) -> JsonSlice {
    let known = media_type(path);
    let as_text = known.is_none_or(is_text) && !(known.is_none() && bytes.contains(&0));
    let text =
        if as_text { String::from_utf8(bytes).map_err(|error| error.into_bytes()) } else { Err(bytes) };
    let size = text.as_ref().map_or_else(Vec::len, String::len);
    let mut out = JsonWriter::with_capacity(size + size / 2 + 128);
    out.begin_array().begin_object().key("uri").str(uri);
    match text {
        Ok(text) => {
            out.key("mimeType").str(known.unwrap_or("text/plain")).key("text").str(&text);
        }
        Err(bytes) => {
            let media = known.unwrap_or("application/octet-stream");
            out.key("mimeType").str(media).key("blob").str(&STANDARD.encode(bytes));
        }
    }
    out.end_object().end_array();
    out.into_slice()
}
