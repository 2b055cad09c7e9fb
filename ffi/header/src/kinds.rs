//! The numbers of the kinds of entries, from the engine's table.

use tenon_mcp::Kind;

/// One commented definition per kind, in the order of their numbers.
pub fn definitions() -> String {
    let definition = |kind: Kind| {
        let (noun, word) = (kind.noun(), kind.as_str().to_uppercase());
        format!("\n\n/**\n * A {noun}.\n */\n#define TENON_KIND_{word} {}", kind.number())
    };
    Kind::ALL.into_iter().map(definition).collect()
}
