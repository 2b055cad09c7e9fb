//! Text of generated documentation.

use std::sync::{Mutex, PoisonError};

/// `a_b` as `aB`.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |out, word| out + &word[..1].to_uppercase() + &word[1..])
}

/// Words in lines of at most `width` letters.
pub(crate) fn wrapped(words: &[String], width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            *line += " ";
            *line += word;
        } else {
            lines.push(word.clone());
        }
    }
    lines
}

/// Held while a file is read and written, because several tests write parts of the same file.
pub(crate) static FILES: Mutex<()> = Mutex::new(());

/// Replaces what stands between two marks in a file, or checks that it is as it should be. With `TENON_UPDATE=1` it is
/// written.
#[track_caller]
pub(crate) fn generated(path: &str, between: Option<(&str, &str)>, block: &str) {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    let _alone = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let whole = match between {
        None => block.to_owned(),
        Some((begin, end)) => {
            let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{path} has no {begin:?}"));
            let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end:?}"));
            format!("{before}{begin}{block}{end}{after}")
        }
    };
    if std::env::var_os("TENON_UPDATE").is_some() {
        std::fs::write(&path, &whole).unwrap();
    } else {
        assert!(text == whole, "{path}: run with TENON_UPDATE=1");
    }
}
