//! A folder of skills as a source of skills. It scans the folder at each request, but reads a file only if the file has
//! changed.

use super::tree::{Candidate, Found, tree};
use crate::dispatch::skills::{
    Digest, FrontMatter, MANIFEST, MAX_BYTES, MAX_FILES, Skill, SkillFile, SkillSource, SourceContents,
    front_matter,
};
use crate::error::{Error, ErrorKind};
use crate::locks::Mutex;
use crate::runtime::files::{Root, Stamp};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The coarsest resolution of file timestamps, in nanoseconds. If a file was read within this time after its last
/// change, it may have changed again with the same timestamp.
const TIMESTAMP_STEP: i128 = 2_000_000_000;
/// The maximum number of scans if files change during a scan.
const ATTEMPTS: usize = 3;

pub(crate) struct Folder {
    root: Root,
    max_skills: usize,
    last_scan: Mutex<LastScan>,
}

#[derive(Default)]
struct LastScan {
    /// The files of the last scan, by path.
    files: HashMap<String, KnownFile>,
    looked: Arc<SourceContents>,
}

/// The digest and the front matter of a file at its last scan.
#[derive(Clone)]
struct KnownFile {
    stamp: Stamp,
    /// `true` if each later change of the file would change the stamp.
    settled: bool,
    digest: Digest,
    /// The front matter, if the file is a manifest.
    front_matter: Option<Result<FrontMatter, String>>,
}

/// The reason why a skill cannot be served.
enum SkillError {
    /// A file changed during the scan.
    Changing(String),
    Invalid(String),
}

impl Folder {
    /// Opens a folder. Fails if a skill in it is invalid, or if it has no skills. The error describes the first invalid
    /// skill.
    pub(crate) fn open(path: PathBuf, max_skills: usize) -> Result<Folder, Error> {
        let folder = Folder { root: Root::new(path), max_skills, last_scan: Mutex::default() };
        let looked = folder.look();
        let fault = match looked.faults.first() {
            Some(fault) => fault.clone(),
            None if looked.skills.is_empty() => "it contains no skills".to_owned(),
            None => return Ok(folder),
        };
        let path = folder.root.path().display();
        Err(Error::new(ErrorKind::Invalid, format!("skills in {path}: {fault}")))
    }

    fn scan(&self, last_scan: &LastScan) -> (SourceContents, HashMap<String, KnownFile>, bool) {
        let found = tree(&self.root, self.max_skills);
        let mut looked = SourceContents { skills: Vec::new(), faults: found.faults };
        let (mut files, mut is_changing) = (HashMap::new(), false);
        for candidate in found.candidates {
            match self.skill(&candidate, &last_scan.files, &mut files) {
                Ok(skill) => looked.skills.push(skill),
                // The folder is an ordinary folder of the enclosing skill.
                Err(SkillError::Invalid(_)) if candidate.nested => {}
                Err(SkillError::Invalid(fault)) => looked.faults.push(format!("{}: {fault}", candidate.path)),
                Err(SkillError::Changing(fault)) => {
                    is_changing = true;
                    looked.faults.push(format!("{}: {fault}", candidate.path));
                }
            }
        }
        (looked, files, is_changing)
    }

    fn skill(
        &self,
        candidate: &Candidate,
        before: &HashMap<String, KnownFile>,
        files: &mut HashMap<String, KnownFile>,
    ) -> Result<Skill, SkillError> {
        let Candidate { path, files: found, .. } = candidate;
        if found.len() > MAX_FILES {
            return Err(SkillError::Invalid(format!(
                "it has {} files; a skill has at most {MAX_FILES}",
                found.len()
            )));
        }
        let size: u64 = found.iter().map(|(_, stamp)| stamp.size).sum();
        if size > MAX_BYTES {
            return Err(SkillError::Invalid(format!("it has {size} bytes; a skill has at most {MAX_BYTES}")));
        }
        let mut listed = Vec::with_capacity(found.len());
        let mut read = None;
        let manifest = format!("{path}/{MANIFEST}");
        for file in found {
            let known = match files.get(&file.0) {
                Some(known) => known.clone(),
                None => self.known(file, before)?,
            };
            if file.0 == manifest {
                read = known.front_matter.clone();
            }
            listed.push(SkillFile { path: file.0.clone(), size: known.stamp.size, digest: known.digest });
            files.insert(file.0.clone(), known);
        }
        let front_matter = read.unwrap_or_else(|| Err(format!("it has no {MANIFEST}")));
        let front_matter =
            front_matter.map_err(|error| SkillError::Invalid(format!("{MANIFEST}: {error}")))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        if front_matter.name != name {
            let own = &front_matter.name;
            return Err(SkillError::Invalid(format!(
                "{MANIFEST}: its name is {own:?}, but its folder is called {name:?}"
            )));
        }
        Ok(Skill { path: path.clone(), front_matter, files: listed })
    }

    /// The content of a file in the state that the scan found. The file is read only if it has changed.
    fn known(
        &self,
        (path, stamp): &Found,
        before: &HashMap<String, KnownFile>,
    ) -> Result<KnownFile, SkillError> {
        if let Some(known) = before.get(path).filter(|known| known.settled && known.stamp == *stamp) {
            return Ok(known.clone());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let now = i128::try_from(now).unwrap_or(i128::MAX);
        let read = self
            .root
            .read(path, MAX_BYTES)
            .map_err(|error| SkillError::Changing(format!("{path}: {error}")))?;
        let changing = || SkillError::Changing(format!("{path} was changed while it was read"));
        let (bytes, mut stamp) = read.ok_or_else(changing)?;
        // The size and the digest are those of the bytes that were read.
        let settled = stamp.last() + TIMESTAMP_STEP < now && stamp.size == bytes.len() as u64;
        stamp.size = bytes.len() as u64;
        let is_manifest = path.rsplit('/').next() == Some(MANIFEST);
        Ok(KnownFile {
            stamp,
            settled,
            digest: Sha256::digest(&bytes).into(),
            front_matter: is_manifest.then(|| front_matter(&bytes)),
        })
    }
}

impl SkillSource for Folder {
    fn look(&self) -> Arc<SourceContents> {
        let mut last_scan = self.last_scan.lock();
        let mut left = ATTEMPTS;
        let (looked, files) = loop {
            let (looked, files, is_changing) = self.scan(&last_scan);
            left -= 1;
            if !is_changing || left == 0 {
                break (looked, files);
            }
        };
        last_scan.files = files;
        if last_scan.looked.skills != looked.skills || last_scan.looked.faults != looked.faults {
            last_scan.looked = Arc::new(looked);
        }
        last_scan.looked.clone()
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.root.read(path, MAX_BYTES)?.map(|(bytes, _)| bytes))
    }
}
