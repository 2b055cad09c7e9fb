//! Reads the files that settings of authentication name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The text of a file, without the line break at its end. `what` names the option in errors.
pub(super) fn read(what: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{what}: cannot read {shown}: {error}");
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(format!("{what}: {shown} is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{what}: {shown} has more than {MAX_FILE} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{what}: {shown} is not a text in UTF-8"))?;
    Ok(text
        .strip_suffix('\n')
        .map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text))
        .to_owned())
}
