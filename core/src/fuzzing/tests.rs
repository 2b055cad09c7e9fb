//! Runs every target over its seeds, and over small changes of them.

use super::TARGETS;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use std::path::Path;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).expect(target);
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn seeds_pass() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        target(b"");
    }
}

/// Pieces of text that have a meaning to one of the targets.
const WORDS: &str = concat!(
    r#"{ } [[[[[[[[ ]]]] , : " \ \u \u0061 \ud800 \udc00 - 0. E+ 1e999 true fals null é "a":1, "params":{ "_meta":{ "#,
    "data: id: \u{feff} \u{2028} \n \n\n \r\n \t \0 {+a} {?b*} %2F .. mcp-name: "
);

/// The pieces that can be inserted.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> = WORDS.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    prop_oneof![select(words), prop::collection::vec(any::<u8>(), 0..3)]
}

/// Does for a short time what `tests/fuzz` does for longer: parts are removed, inserted, or copied from another seed.
#[test]
fn changed_seeds_pass() {
    for (name, target) in TARGETS {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        let other = prop::option::of((select(seeds(name)), any::<Index>()));
        let edit = (any::<Index>(), 0..12_usize, piece(), other);
        let input = (select(seeds(name)), prop::collection::vec(edit, 1..5));
        let ran = TestRunner::new(config).run(&input, |(mut input, edits)| {
            for (at, length, piece, other) in edits {
                let at = at.index(input.len() + 1);
                let end = (at + length).min(input.len());
                input.splice(at..end, piece);
                if let Some((other, from)) = other {
                    let part = other[from.index(other.len() + 1)..].iter().take(40);
                    input.splice(at..at, part.copied());
                }
            }
            target(&input);
            Ok(())
        });
        ran.unwrap_or_else(|failed| panic!("{name}: {failed}"));
    }
}
