//! Scans a folder of skills: which folders are skills, and which files each skill has, with their present state. It
//! does not read the files.

use crate::dispatch::skills::{MANIFEST, MAX_FILES};
use crate::runtime::files::{Item, Root, Stamp};

/// The maximum depth of folders.
const MAX_DEPTH: usize = 16;
/// The maximum length of a path, because a longer path would not fit into a list's cursor.
const MAX_PATH: usize = 1024;

/// The path of a file, and its state.
pub(super) type Found = (String, Stamp);

/// A folder with a manifest, which may be a skill.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: String,
    /// The files of the skill, sorted by path.
    pub(super) files: Vec<Found>,
    /// Whether the folder is inside another skill. Its files then belong to that skill too.
    pub(super) nested: bool,
}

/// The result of a scan.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Sorted by path.
    pub(super) candidates: Vec<Candidate>,
    pub(super) faults: Vec<String>,
}

pub(super) fn tree(root: &Root, max_skills: usize) -> Tree {
    let mut tree = Tree::default();
    let mut walk = Walk { root, left: max_skills.saturating_mul(MAX_FILES), max_skills, skills: 0 };
    if let Err(fault) = walk.group(&mut tree, "", 0) {
        tree.faults.push(fault);
    }
    tree.candidates.sort_by(|one, other| one.path.cmp(&other.path));
    tree
}

struct Walk<'a> {
    root: &'a Root,
    /// The number of names that may still be read.
    left: usize,
    max_skills: usize,
    skills: usize,
}

impl Walk<'_> {
    /// The names in a folder, without hidden names. Fails if there are too many.
    fn items(&mut self, path: &str, depth: usize) -> Result<Vec<(String, Item)>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("{path}: folders are deeper than {MAX_DEPTH} levels"));
        }
        let shown = if path.is_empty() { "the folder" } else { path };
        let items =
            self.root.list(path, self.left).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        self.left -= items.len();
        Ok(items.into_iter().filter(|(name, _)| !name.starts_with('.')).collect())
    }

    /// Scans a folder that is not a skill. Its folders are skills, or contain skills.
    fn group(&mut self, tree: &mut Tree, path: &str, depth: usize) -> Result<(), String> {
        for (name, item) in self.items(path, depth)? {
            let inner = join(path, &name);
            match item {
                Item::Directory => {
                    if let Err(fault) = self.folder(tree, &inner, depth + 1) {
                        tree.faults.push(fault);
                    }
                }
                Item::Link => tree.faults.push(linked(&inner)),
                Item::File(_) if name == MANIFEST && path.is_empty() => {
                    return Err(format!(
                        "the folder is a skill itself ({MANIFEST}); pass the folder that contains it"
                    ));
                }
                // Files next to skills do not belong to a skill.
                Item::File(_) | Item::Other => {}
            }
        }
        Ok(())
    }

    fn folder(&mut self, tree: &mut Tree, path: &str, depth: usize) -> Result<(), String> {
        let items = self.items(path, depth)?;
        let is_manifest = |(name, item): &(String, Item)| name == MANIFEST && matches!(item, Item::File(_));
        if items.iter().any(is_manifest) {
            let mut nested = Vec::new();
            let mut files = Vec::new();
            self.skill(path, items, depth, &mut files, &mut nested)?;
            self.candidate(tree, path, files, false)?;
            for (path, files) in nested {
                self.candidate(tree, &path, files, true)?;
            }
            return Ok(());
        }
        let before = (tree.candidates.len(), tree.faults.len());
        if !items.iter().any(|(_, item)| *item == Item::Directory) {
            return Err(format!("{path} has no {MANIFEST}"));
        }
        self.group(tree, path, depth)?;
        if before == (tree.candidates.len(), tree.faults.len()) {
            return Err(format!("{path} has no {MANIFEST}"));
        }
        Ok(())
    }

    /// Collects all files in a skill's folder and in its subfolders, and the skills in these subfolders.
    fn skill(
        &mut self,
        path: &str,
        items: Vec<(String, Item)>,
        depth: usize,
        files: &mut Vec<Found>,
        nested: &mut Vec<(String, Vec<Found>)>,
    ) -> Result<(), String> {
        for (name, item) in items {
            let inner = join(path, &name);
            if inner.len() > MAX_PATH {
                return Err(format!("{path}: a path has more than {MAX_PATH} bytes"));
            }
            match item {
                Item::File(stamp) => files.push((inner, stamp)),
                Item::Link => return Err(linked(&inner)),
                Item::Other => return Err(format!("{inner} is not a regular file")),
                Item::Directory => {
                    let items = self.items(&inner, depth + 1)?;
                    let is_skill =
                        items.iter().any(|(name, item)| name == MANIFEST && matches!(item, Item::File(_)));
                    let start = files.len();
                    self.skill(&inner, items, depth + 1, files, nested)?;
                    if is_skill {
                        nested.push((inner, files[start..].to_vec()));
                    }
                }
            }
        }
        Ok(())
    }

    fn candidate(
        &mut self,
        tree: &mut Tree,
        path: &str,
        mut files: Vec<Found>,
        nested: bool,
    ) -> Result<(), String> {
        self.skills += 1;
        if self.skills > self.max_skills {
            return Err(format!("{path}: there are more than {} skills (max_skills)", self.max_skills));
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        tree.candidates.push(Candidate { path: path.to_owned(), files, nested });
        Ok(())
    }
}

fn linked(path: &str) -> String {
    format!("{path} is a symbolic link; skills must not contain links")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
