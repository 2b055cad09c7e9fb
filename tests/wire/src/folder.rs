//! The folder that holds the transcripts.

use crate::transcript::{Transcript, definitions, parse};
use std::path::{Path, PathBuf};

/// Every transcript of this crate's folder, once for each of its revisions.
pub fn read() -> Result<Vec<Transcript>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let text = |path: &Path| std::fs::read_to_string(path).map_err(|error| at(path, &error.to_string()));
    let common = folder.join("common.txt");
    let common_definitions = definitions(&text(&common)?).map_err(|error| at(&common, &error))?;
    let mut found = Vec::new();
    for path in files(&folder).map_err(|error| at(&folder, &error.to_string()))? {
        if path == common {
            continue;
        }
        let name =
            path.strip_prefix(&folder).map_err(|error| at(&path, &error.to_string()))?.with_extension("");
        let read = parse(&name.to_string_lossy(), &text(&path)?, &common_definitions);
        found.extend(read.map_err(|error| at(&path, &error))?);
    }
    Ok(found)
}

fn at(path: &Path, error: &str) -> String {
    format!("{}: {error}", path.display())
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
