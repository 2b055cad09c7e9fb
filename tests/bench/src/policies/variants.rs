//! What the second server of a pair declares, and the files that tell it to.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::pairs::{C_INLINE, PYTHON_ASYNC, PYTHON_DEF};
use crate::clients::message::Era;
use crate::targets::Language;

/// One comparison.
#[derive(Debug)]
pub struct Variant {
    /// In records, in tables, and in `tests/bench/goals.py`.
    pub name: &'static str,
    pub targets: &'static [&'static str],
    pub eras: &'static [Era],
    /// Whether the server has authentication, and its tool a rule.
    pub auth: bool,
    /// The policies of the tool, from how many units of time a second has.
    policies: Option<fn(u64) -> Value>,
    /// Whether cached calls are compared with `ping` of the same server. Otherwise a server is compared with one that
    /// declares nothing.
    pub ping: bool,
}

const PLAIN: Variant =
    Variant { name: "", targets: &[], eras: &Era::ALL, auth: false, policies: None, ping: false };

pub const VARIANTS: &[Variant] = &[
    Variant { name: "auth and a rule", targets: &[PYTHON_DEF, PYTHON_ASYNC, C_INLINE], auth: true, ..PLAIN },
    Variant {
        name: "limits",
        targets: &[PYTHON_DEF, PYTHON_ASYNC, C_INLINE],
        policies: Some(limits),
        ..PLAIN
    },
    Variant {
        name: "all",
        targets: &[PYTHON_DEF, PYTHON_ASYNC, C_INLINE],
        auth: true,
        policies: Some(all),
        ..PLAIN
    },
    Variant {
        name: "cache hit",
        targets: &[PYTHON_DEF, C_INLINE],
        eras: &[Era::Legacy],
        policies: Some(kept),
        ping: true,
        ..PLAIN
    },
    // Both are alike, which shows the noise.
    Variant { name: "twice the same", targets: &[PYTHON_DEF, C_INLINE], eras: &[Era::Modern], ..PLAIN },
];

/// None of them is ever reached, and no two calls are alike, so that each call is counted, runs and is kept.
fn limits(second: u64) -> Value {
    json!({
        "rate_limit": { "amount": 1_000_000_000, "per": 3600 * second, "by": "principal" },
        "max_concurrency": 10_000,
        "max_concurrency_by": { "principal": 10_000 },
        "circuit_breaker": { "failures": 1_000_000 },
        "cache": { "ttl": 60 * second, "max_entries": 1000 },
    })
}

fn all(second: u64) -> Value {
    let mut policies = limits(second);
    policies["audit"] = true.into();
    policies
}

/// One result stays for longer than a measurement takes.
fn kept(second: u64) -> Value {
    json!({ "cache": { "ttl": 3600 * second } })
}

impl Variant {
    /// The policies in the spelling of a language.
    fn policies(&self, language: Language) -> Option<Value> {
        self.policies.map(|policies| policies(if language == Language::Python { 1 } else { 1000 }))
    }

    /// The options of the server, whose files are written. `auth` is the file for `--auth`.
    pub fn options(&self, language: Language, auth: &Path, folder: &Path) -> Result<Vec<String>, String> {
        let mut options = Vec::new();
        let mut add = |name: &str, file: &Path| options.extend([name.to_owned(), file.display().to_string()]);
        if self.auth {
            add("--auth", auth);
        }
        if let Some(policies) = self.policies(language) {
            let name = format!("{}-{language:?}.policies", self.name.replace(' ', "-"));
            add("--policies", &write(folder, &name, &lines(&policies))?);
        }
        if let Some(file) = self.audit_file(folder) {
            add("--audit", &file);
        }
        if self.ping {
            options.push("--count".to_owned());
        }
        Ok(options)
    }

    /// The file of the audit events, if there are any.
    pub fn audit_file(&self, folder: &Path) -> Option<PathBuf> {
        let audited = self.policies?(1).get("audit").is_some();
        audited.then(|| folder.join("audit.jsonl"))
    }
}

/// A policy in each line: its name, a tab, its value. Servers in C have no JSON to take an object apart with.
fn lines(policies: &Value) -> String {
    let members = policies.as_object().into_iter().flatten();
    members.map(|(name, value)| format!("{name}\t{value}\n")).collect()
}

pub fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
    written.map_err(|e| format!("{}: {e}", path.display())).map(|()| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(name: &str) -> &'static Variant {
        VARIANTS.iter().find(|variant| variant.name == name).unwrap()
    }

    #[test]
    fn policies_are_lines_with_times_as_the_language_has_them() {
        let read = |name, language| {
            let written = lines(&variant(name).policies(language).unwrap());
            let policies = written.lines().map(|line| line.split_once('\t').unwrap());
            policies
                .map(|(name, value)| (name.to_owned(), value.parse::<Value>().unwrap()))
                .collect::<Value>()
        };
        let (python, c) = (read("all", Language::Python), read("all", Language::C));
        assert_eq!(
            (&python["rate_limit"]["per"], &c["rate_limit"]["per"]),
            (&json!(3600), &json!(3_600_000))
        );
        assert_eq!((&python["cache"]["ttl"], &c["cache"]["ttl"]), (&json!(60), &json!(60_000)));
        assert_eq!((&python["max_concurrency"], &c["audit"]), (&json!(10_000), &json!(true)));
        let without_audit = read("limits", Language::C);
        assert_eq!((c.as_object().unwrap().len(), without_audit.as_object().unwrap().len()), (6, 5));
        assert!(variant("auth and a rule").policies(Language::C).is_none());
    }

    #[test]
    fn options_are_those_of_the_variant_and_name_files_that_are_there() {
        let folder = std::env::temp_dir().join(format!("tenon-bench-variants-{}", std::process::id()));
        let options = |name| {
            let words = variant(name).options(Language::C, Path::new("auth.json"), &folder).unwrap();
            words.join(" ").replace(&folder.display().to_string(), "F")
        };
        assert_eq!(options("twice the same"), "");
        assert_eq!(options("auth and a rule"), "--auth auth.json");
        assert_eq!(options("limits"), "--policies F/limits-C.policies");
        assert_eq!(options("all"), "--auth auth.json --policies F/all-C.policies --audit F/audit.jsonl");
        assert_eq!(options("cache hit"), "--policies F/cache-hit-C.policies --count");
        assert_eq!(
            fs::read_to_string(folder.join("cache-hit-C.policies")).unwrap(),
            "cache\t{\"ttl\":3600000}\n"
        );
        assert!(folder.join("limits-C.policies").is_file() && !folder.join("audit.jsonl").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
