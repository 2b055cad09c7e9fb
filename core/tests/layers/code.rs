//! Source text without comments, doc comments and test modules.

use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
    Rust,
    Python,
    JavaScript,
}

pub struct Source {
    pub path: PathBuf,
    pub code: String,
}

impl Language {
    fn of(path: &Path) -> Option<Language> {
        match path.extension()?.to_str()? {
            "rs" => Some(Language::Rust),
            "py" | "pyi" => Some(Language::Python),
            "js" | "mjs" | "cjs" | "ts" => Some(Language::JavaScript),
            _ => None,
        }
    }
}

/// The sources in a directory and below it, in these languages.
pub fn sources(directory: &Path, languages: &[Language]) -> Vec<Source> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["node_modules", "target", "test", "tests", "__pycache__"].contains(&&*name) {
                found.extend(sources(&path, languages));
            }
        } else if let Some(language) = Language::of(&path).filter(|language| languages.contains(language))
            && !name.ends_with("_tests.rs")
            && name != "tests.rs"
            && !name.starts_with("loom_")
            && !name.contains(".test.")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path, code: strip(&text, language) });
        }
    }
    found
}

/// Replaces comments, Python docstrings and the test module at the end of a Rust file with spaces. Lines keep their
/// numbers.
pub fn strip(text: &str, language: Language) -> String {
    let end = match language {
        Language::Rust => {
            ["#[cfg(test)]\nmod ", "#[cfg(all(test"].iter().filter_map(|mark| text.find(mark)).min()
        }
        _ => None,
    };
    let text = &text[..end.unwrap_or(text.len())];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let line_comment = match language {
            Language::Python => first == '#',
            _ => rest.starts_with("//"),
        };
        let (skipped, kept) = if line_comment {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if language != Language::Python && rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), false)
        } else if language == Language::Python && rest.starts_with("\"\"\"") {
            (rest[3..].find("\"\"\"").map_or(rest.len(), |end| end + 6), false)
        } else if language == Language::Rust && (rest.starts_with("r\"") || rest.starts_with("r#\"")) {
            let close = if rest.starts_with("r\"") { "\"" } else { "\"#" };
            (rest[close.len() + 1..].find(close).map_or(rest.len(), |end| end + 2 * close.len() + 1), true)
        } else if first == '"' || language != Language::Rust && (first == '\'' || first == '`') {
            (string_end(rest, first), true)
        } else if language == Language::Rust && rest.starts_with("'\"'") {
            (3, true)
        } else {
            (first.len_utf8(), true)
        };
        let (part, after) = rest.split_at(skipped);
        if kept {
            out.push_str(part);
        } else {
            out.extend(part.chars().filter(|&c| c == '\n'));
        }
        rest = after;
    }
    out
}

/// The end of the string that begins at the start of `text`.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return place + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether `line` contains `word` as a whole word.
pub fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(place, _)| {
        !is_word(line[..place].chars().next_back()) && !is_word(line[place + word.len()..].chars().next())
    })
}

/// The modules of the crate to which `code` refers, by `use` or by path.
pub fn crate_modules(code: &str) -> Vec<&str> {
    code.match_indices("crate::")
        .map(|(place, mark)| {
            let rest = &code[place + mark.len()..];
            let end = rest.find(|c: char| !is_word(Some(c))).unwrap_or(rest.len());
            &rest[..end]
        })
        .collect()
}

/// The part of a layer to which a file belongs, and the depth of the file's module in the layer.
pub fn part(layer: &Path, file: &Path) -> (String, usize) {
    let below = file.strip_prefix(layer).expect("the file lies in the layer").with_extension("");
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let depth = names.len() - usize::from(names.len() > 1 && names.last().is_some_and(|name| name == "mod"));
    (names[0].clone(), depth)
}

/// The modules of a layer to which `code` refers. The module of `code` is `depth` modules deep in the layer.
pub fn neighbours<'a>(code: &'a str, layer: &str, depth: usize) -> Vec<&'a str> {
    let absolute = format!("crate::{}::", layer.replace('/', "::"));
    let relative = "super::".repeat(depth);
    let mut found = Vec::new();
    for mark in [absolute, relative] {
        for (place, mark) in code.match_indices(mark.as_str()) {
            let rest = &code[place + mark.len()..];
            let end = rest.find(|c: char| !is_word(Some(c))).unwrap_or(rest.len());
            if !code[..place].ends_with("super::") && &rest[..end] != "super" {
                found.push(&rest[..end]);
            }
        }
    }
    found
}

/// Method names and JSON-RPC error codes in `code`.
pub fn protocol_words(code: &str) -> Vec<String> {
    const METHODS: [&str; 10] = [
        "tools/",
        "notifications/",
        "resources/",
        "prompts/",
        "elicitation/",
        "sampling/",
        "roots/",
        "logging/",
        "completion/",
        "server/discover",
    ];
    let mut found = Vec::new();
    for line in code.lines() {
        for method in METHODS {
            // `./tools/x.js` is a path, not a method.
            let named = line.match_indices(method).any(|(place, _)| {
                let before = line[..place].chars().next_back();
                !is_word(before) && before != Some('/')
            });
            if named {
                found.push(line.trim().to_owned());
            }
        }
        let digits: String = line.chars().filter(|c| *c != '_').collect();
        let is_code = digits
            .match_indices("-32")
            .any(|(place, _)| digits[place + 1..].chars().take_while(char::is_ascii_digit).count() == 5);
        if is_code || names(line, "\"initialize\"") || names(line, "'initialize'") {
            found.push(line.trim().to_owned());
        }
    }
    found
}

#[test]
fn comments_are_blanked_and_code_is_kept() {
    let rust = "let a = \"// b\"; // c\n/* d\n e */ let f = r#\"\"g\"\"#;\n#[cfg(test)]\nmod tests { h }";
    assert_eq!(strip(rust, Language::Rust), "let a = \"// b\"; \n\n let f = r#\"\"g\"\"#;\n");
    let python = "\"\"\"doc\ntools/call\"\"\"\na = '#' # b\n";
    assert_eq!(strip(python, Language::Python), "\n\na = '#' \n");
    let script = "const a = `//b` // c\n/** d */ e('\\'//')\n";
    assert_eq!(strip(script, Language::JavaScript), "const a = `//b` \n e('\\'//')\n");
}

#[test]
fn what_must_not_be_named_is_found() {
    assert_eq!(protocol_words("send(\"tools/list\")\nif code == -32_602 {}\nf('notifications/x')").len(), 3);
    assert!(protocol_words("import './tools/x.js'\nlet a = -3200; b = 132000 - 32").is_empty());
    assert!(names("use tokio::x", "tokio") && !names("use tokio_util", "tokio") && !names("random(", "rand"));
    assert_eq!(crate_modules("use crate::json::X;\nlet y = crate::host::Z;"), ["json", "host"]);
    assert_eq!(
        neighbours("use crate::host::calls::X;\nuse super::super::bus::Y;\nuse super::own::Z;", "host", 2),
        ["calls", "bus"]
    );
    assert_eq!(part(Path::new("a/host"), Path::new("a/host/calls/mod.rs")), ("calls".into(), 1));
}
