//! What `tests/fuzz` runs: each target takes any bytes, and panics where something is wrong.
//!
//! Here, behind `--cfg fuzzing`, because the targets look at what no program should: a public door for them would be
//! one for everybody. The unit tests run each over its seeds, so that what they call is compiled and kept true.

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

/// A target.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of the folder of its seeds.
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

/// Takes bytes that say how the rest is to be divided, and gives it whole and in these parts.
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
