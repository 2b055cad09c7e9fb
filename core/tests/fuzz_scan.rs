//! Mutates a seed corpus for a while and compares the scan with `serde_json`: nothing may panic, and both must agree
//! on what is JSON. `TENON_FUZZ_SECONDS` says for how long (default 2), `TENON_FUZZ_SEED` repeats a run.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;
use tenon_mcp::__private::{minify, scan};
use tenon_mcp::json::{JsonErrorKind, JsonSlice, Limits};

const SEEDS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#,
    r#"{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":"a \"quoted\" line\n"}]}}"#,
    r#"{"params":{"_meta":{"progressToken":7,"\u0061":null},"cursor":"eyJ"},"x":[true,false,null,{}]}"#,
    r#"[1,-0,0.5,1e10,1E-7,123456789012345678901234567890,-9223372036854775808,1e308,5e-324]"#,
    r#"["\u0000\u001f\ud83d\ude00\uD83D\uDE00","é漢😀","\\\/\b\f\n\r\t",""]"#,
    "{\r\n  \"a\" : [ 1 , 2\t] ,\n  \"b\" : { \"c\" : [ [ [ ] ] ] }\r\n}\n",
    concat!(
        r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"#,
        r#""o":15,"p":16,"q":17,"r":18}"#
    ),
];

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\u0061",
    "\\ud800",
    "\\udc00",
    "0",
    "-",
    ".",
    "e",
    "E+",
    "1e999",
    "true",
    "fals",
    "null",
    " ",
    "\n",
    "\r",
    "\t",
    "\0",
    "\x7f",
    "é",
    "\u{2028}",
    "\"a\":",
    "\"a\":1,",
    "[[[[[[[[",
    "{\"a\":",
    "]]]]",
    "/",
    "NaN",
    "'",
    "\"params\":{",
    "\"_meta\":{",
];

/// Most texts the corpus grows to; beyond that, new ones replace old ones.
const CORPUS: usize = 500;

/// xorshift64*: enough to pick places, and no dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }

    fn mutate(&mut self, text: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(text.len() + 1);
        let to = at + self.below((text.len() - at).min(12) + 1);
        match self.below(6) {
            0 => drop(text.drain(at..to)),
            1 => text.truncate(at),
            2 => drop(text.splice(at..at, TOKENS[self.below(TOKENS.len())].bytes())),
            3 => drop(text.splice(at..to, TOKENS[self.below(TOKENS.len())].bytes())),
            4 if at < text.len() => text[at] = self.below(256) as u8,
            _ => {
                let from = self.below(other.len() + 1);
                let end = from + self.below((other.len() - from).min(40) + 1);
                text.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
}

/// Compares the verdicts and, if both accept, what they saw. Whether the text was accepted.
fn compare(text: &[u8]) -> bool {
    let shown = || String::from_utf8_lossy(text);
    let ours = scan(text, &Limits::default(), &["params", "_meta"]);
    let theirs = serde_json::from_slice::<Value>(text);
    match (&ours, &theirs) {
        (Ok(found), Ok(tree)) => {
            let levels = [Some(tree), tree.get("params"), tree.get("params").and_then(|p| p.get("_meta"))];
            for (level, tree) in levels.into_iter().enumerate() {
                let object = tree.and_then(Value::as_object);
                assert_eq!(found.level(level).len(), object.map_or(0, |o| o.len()), "{}", shown());
                for member in found.level(level) {
                    let part: Value = serde_json::from_slice(member.text(text)).expect("a member's value");
                    assert_eq!(object.unwrap()[&*member.name(text)], part, "{}", shown());
                }
            }
            let slice = JsonSlice::parse(Bytes::copy_from_slice(text), &Limits::default()).unwrap();
            assert!(!slice.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n')), "{}", shown());
            assert_eq!(&slice.to_value().unwrap(), tree, "{}", shown());
            assert_eq!(&serde_json::from_slice::<Value>(&minify(text)).unwrap(), tree, "{}", shown());
        }
        // The differences on purpose: no duplicate keys; one level of nesting more than serde_json's 127.
        (Err(error), Ok(_)) => assert_eq!(error.kind, JsonErrorKind::DuplicateKey, "{error}: {}", shown()),
        (Ok(_), Err(error)) => {
            assert!(error.to_string().starts_with("recursion limit"), "{error}: {}", shown());
        }
        (Err(error), Err(_)) => {
            assert!(error.offset <= text.len() && !error.to_string().is_empty(), "{error}: {}", shown());
            minify(text);
        }
    }
    ours.is_ok()
}

#[test]
fn scan_agrees_with_serde_json_on_mutated_text() {
    let variable = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seconds = variable("TENON_FUZZ_SECONDS").unwrap_or(2);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let seed = variable("TENON_FUZZ_SEED").unwrap_or(now);
    println!("TENON_FUZZ_SEED={seed}");
    let mut random = Random(seed | 1);

    let mut corpus: Vec<Vec<u8>> = SEEDS.iter().map(|text| text.as_bytes().to_vec()).collect();
    for text in &corpus {
        assert!(compare(text), "a seed is refused: {}", String::from_utf8_lossy(text));
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut runs, mut accepted) = (0u64, 0u64);
    while Instant::now() < end {
        for _ in 0..200 {
            let mut text = corpus[random.below(corpus.len())].clone();
            for _ in 0..=random.below(4) {
                let other = random.below(corpus.len());
                random.mutate(&mut text, &corpus[other]);
            }
            runs += 1;
            if !compare(&text) {
                continue;
            }
            accepted += 1;
            // Good mutants are where the next ones start from.
            if text.len() < 4000 {
                if corpus.len() < CORPUS {
                    corpus.push(text);
                } else {
                    corpus[SEEDS.len() + random.below(CORPUS - SEEDS.len())] = text;
                }
            }
        }
    }
    println!("{runs} texts, {accepted} accepted");
    assert!(seconds == 0 || (accepted > 0 && accepted < runs), "{accepted} of {runs} texts accepted");
}
