//! The targets that `tests/fuzz` runs. Each target takes any bytes, and panics if it finds a fault.
//!
//! They are in this crate, behind `--cfg fuzzing`, because they use private parts of it. A public interface for them
//! would be public to every program. The unit tests run each target over its seeds, so that the targets stay correct.

mod definition;
mod engine;
mod http;
mod lines;
mod scan;
mod sse;
mod template;
#[cfg(test)]
mod tests;
#[cfg(feature = "runtime")]
mod websocket;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All targets with their names. The seeds of a target are in the folder of its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("definition", definition::run),
    ("engine", engine::run),
    ("http", http::run),
    ("lines", lines::run),
    ("scan", scan::run),
    ("sse", sse::run),
    ("template", template::run),
    #[cfg(feature = "runtime")]
    ("websocket", websocket::run),
];

/// Reads bytes that say how the rest is divided. Returns the rest as a whole and in its parts.
fn divided(data: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (&count, data) = data.split_first()?;
    let (sizes, text) = data.split_at_checked(usize::from(count % 16))?;
    let (mut rest, mut parts) = (text, Vec::new());
    for size in sizes {
        let (part, tail) = rest.split_at(usize::from(*size).min(rest.len()));
        parts.push(part);
        rest = tail;
    }
    parts.push(rest);
    Some((text, parts))
}
