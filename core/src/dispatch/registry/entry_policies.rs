//! The policies that settings give to entries, by patterns of their names.
//!
//! What an entry sets itself counts. Settings give it the policies that it leaves out. Rules of access and tags add to
//! those of the entry, so settings can restrict an entry further. With `public = true`, they open an entry to callers
//! without a principal, but only if nothing demands scopes or roles and code does not say that it is not public.
//!
//! An entry records which policies came from settings, because these do not count as the program's consent: caching
//! hints of settings never make a private result public.

use crate::dispatch::access::{ConfiguredRule, Rule};
use crate::dispatch::options::{KIND_WORDS, OptionRow, Policies, Spelling, fill_rows, matches, write_shown};
use crate::dispatch::registry::entry::Entry;
use crate::proto::catalog::kind::Kind;
use serde_json::{Map, Value};
use std::fmt::Write;

/// The section of settings that has the policies.
pub(crate) const POLICIES: &str = "policies";
/// The policies that are rules of access.
const ACCESS: &str = "access_policies";
const TAGS: &str = "tags";
/// The policy that a member of the definition stands for.
const TASKS: (&str, &str) = ("task_support", "execution");

/// The policies of settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct EntryPolicies(Vec<Pattern>);

/// The policies of the entries whose names a pattern matches.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// The place of the word for the kind in [`KIND_WORDS`].
    word: usize,
    name: String,
    policies: Policies,
}

impl Pattern {
    /// The path in the settings, such as `policies.tools."get_*"`.
    pub(crate) fn path(&self) -> String {
        dotted(&self.parts())
    }

    fn parts(&self) -> [&str; 3] {
        [POLICIES, KIND_WORDS[self.word].0, &self.name]
    }

    /// The name, in which `*` stands for any text.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the pattern is for the kinds with this place in [`KIND_WORDS`].
    pub(crate) fn is_of(&self, word: usize) -> bool {
        self.word == word
    }

    /// How specific the pattern is: how many characters it has besides `*`.
    fn specificity(&self) -> usize {
        self.name.chars().filter(|letter| *letter != '*').count()
    }

    /// Whether the pattern matches this name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        matches(&self.name, name)
    }
}

impl EntryPolicies {
    /// Adds the policies of a pattern. `word` is a place in [`KIND_WORDS`].
    pub(crate) fn add(&mut self, word: usize, name: &str, policies: Policies) {
        self.0.push(Pattern { word, name: name.to_owned(), policies });
    }

    /// All patterns, in the order of the settings.
    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.0
    }

    /// The patterns that match an entry, the most specific first: its own name, then the pattern with more characters
    /// besides `*`, then the later one.
    fn matching(&self, kind: Kind, name: &str) -> Vec<&Pattern> {
        let is_meant = |one: &&Pattern| KIND_WORDS[one.word].1.contains(&kind) && one.matches(name);
        let mut found: Vec<_> = self.0.iter().rev().filter(is_meant).collect();
        // Stable, so of equally specific patterns the later one stays first.
        found.sort_by_key(|one| std::cmp::Reverse((one.name == name, one.specificity())));
        found
    }

    /// Sets the policies that an entry does not set itself, and adds tags. Returns the paths of the patterns.
    pub(crate) fn apply(&self, entry: &mut Entry) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let kind = entry.kind();
        let found = self.matching(kind, &entry.final_name());
        let (policy, member) = TASKS;
        let has_tasks = entry.definition.member(member).is_some();
        let is_meant = |row: &OptionRow| {
            row.is_for(kind.into())
                && row.group != ACCESS
                && row.name != TAGS
                && !(row.name == policy && has_tasks)
        };
        for pattern in &found {
            let filled = fill_rows(&mut entry.policies, &pattern.policies, is_meant);
            entry.configured.extend(filled);
        }
        for tag in found.iter().rev().flat_map(|pattern| &pattern.policies.tags).flat_map(|tags| &tags.0) {
            let own = &mut entry.policies.tags.get_or_insert_default().0;
            if !own.contains(tag) {
                own.push(tag.clone());
            }
        }
        found.iter().map(|pattern| pattern.path()).collect()
    }

    /// The rules of access for an entry, the most specific first.
    pub(crate) fn rules(&self, kind: Kind, name: &str) -> Vec<ConfiguredRule> {
        let rules = self
            .matching(kind, name)
            .into_iter()
            .map(|pattern| ConfiguredRule { path: pattern.path(), rule: Rule::of(&pattern.policies) });
        rules.filter(|one| one.rule != Rule::default()).collect()
    }

    /// The path of the first pattern whose place among the patterns of its kind differs in `others`, which have the same
    /// patterns. The place matters, because of equally specific patterns the later one counts.
    pub(crate) fn first_moved<'a>(&'a self, others: &EntryPolicies) -> Option<[&'a str; 3]> {
        (0..KIND_WORDS.len()).find_map(|word| {
            let own = self.0.iter().filter(move |one| one.is_of(word));
            let others = others.0.iter().filter(move |one| one.is_of(word));
            own.zip(others).find(|(own, other)| own.name != other.name).map(|(own, _)| own.parts())
        })
    }

    /// The policies as an object, by kind and pattern.
    pub(crate) fn to_value(&self) -> Value {
        let mut all = Map::new();
        for pattern in &self.0 {
            let of_kind = all.entry(KIND_WORDS[pattern.word].0).or_insert_with(|| Map::new().into());
            of_kind[&pattern.name] = write_shown(&pattern.policies, Spelling::File);
        }
        all.into()
    }
}

impl Rule {
    /// The rule among policies.
    pub(crate) fn of(policies: &Policies) -> Rule {
        let Policies { scopes, roles, public, .. } = policies;
        let [scopes, roles] = [scopes, roles].map(|words| words.as_ref().map(|words| words.0.clone()));
        Rule { scopes, roles, public: *public }
    }
}

/// A path of settings as TOML writes it: parts that are no plain words are in quotes, with escapes.
pub(crate) fn dotted(path: &[impl AsRef<str>]) -> String {
    let mut out = String::new();
    for part in path.iter().map(AsRef::as_ref) {
        let separator = if out.is_empty() { "" } else { "." };
        let is_plain = !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let _ = match is_plain {
            true => write!(out, "{separator}{part}"),
            false => write!(out, "{separator}{}", quoted(part)),
        };
    }
    out
}

/// A text in quotes. TOML and JSON have these escapes in common.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        let _ = match letter {
            '"' | '\\' => write!(out, "\\{letter}"),
            letter if letter.is_control() => write!(out, "\\u{:04x}", u32::from(letter)),
            letter => write!(out, "{letter}"),
        };
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::options::{Form, Options, kind_word, set};
    use crate::json::JsonSlice;
    use serde_json::json;

    fn policies(kind: Kind, all: Value) -> Policies {
        let mut policies = Policies::default();
        for (name, value) in all.as_object().unwrap() {
            let value = JsonSlice::from_value(value);
            assert!(set(&mut policies, kind, Spelling::File, name, &value).unwrap(), "{name}");
        }
        policies
    }

    fn of_tools(patterns: &[(&str, Value)]) -> EntryPolicies {
        let mut all = EntryPolicies::default();
        for (name, values) in patterns {
            all.add(kind_word("tools").unwrap(), name, policies(Kind::Tool, values.clone()));
        }
        all
    }

    fn applied(all: &EntryPolicies, mut entry: Entry) -> (Value, Vec<String>) {
        let paths = all.apply(&mut entry);
        (write_shown(entry.policies(), Spelling::File), paths)
    }

    /// A value of a policy, by its form.
    fn value(row: &OptionRow) -> Value {
        match row.form {
            Form::Time => json!(2.5),
            Form::Count { min } => json!(min + 2),
            Form::Words | Form::Names | Form::Audit => json!(["a"]),
            Form::Word(words) => json!(words()[1]),
            Form::Text => json!("Really?"),
            Form::CountsByKey => json!({ "principal": 2 }),
            // Written as any number is.
            Form::RateLimit => json!("5/min"),
            Form::CircuitBreaker => json!({ "failures": 5 }),
            Form::Cache => json!(2.5),
            Form::Retry => json!(3),
            Form::CacheHints => json!({ "ttlMs": 5.0, "cacheScope": "private" }),
            _ => json!(true),
        }
    }

    #[test]
    fn every_policy_reaches_every_kind_that_has_it() {
        for kind in Kind::ALL {
            let (word, _) =
                KIND_WORDS.iter().enumerate().find(|(_, (_, kinds))| kinds.contains(&kind)).unwrap();
            let in_files = |row: &&OptionRow| row.absent != Some(Spelling::File);
            for row in Policies::TABLE.iter().filter(|row| row.is_for(kind.into())).filter(in_files) {
                let mut all = EntryPolicies::default();
                let mut given = value(row);
                if let Some(ttl) = given.get_mut("ttlMs") {
                    *ttl = json!(5);
                }
                all.add(word, "*", policies(kind, json!({ row.name: given })));
                let entry = match kind {
                    Kind::Completion => Entry::completion(Kind::Prompt, "greet", "style"),
                    kind => Entry::new(kind, "a://b"),
                };
                let name = entry.final_name();
                let (found, _) = applied(&all, entry);
                let rules = all.rules(kind, &name);
                match row.group {
                    ACCESS => assert!(found == json!({}) && rules.len() == 1, "{kind:?} {}", row.name),
                    _ => assert_eq!(found[row.name], value(row), "{kind:?}"),
                }
            }
        }
    }

    /// A word for two kinds gives each only what it can have.
    #[test]
    fn a_provider_gets_only_what_it_can_have() {
        let mut all = EntryPolicies::default();
        let both = policies(Kind::ResourceTemplate, json!({ "hidden": true, "timeout": 1 }));
        all.add(kind_word("templates").unwrap(), "a://{x}", both);
        let (found, _) = applied(&all, Entry::new(Kind::ResourceProvider, "a://{x}"));
        assert_eq!(found, json!({ "timeout": 1.0 }));
    }

    #[test]
    fn code_counts_and_then_the_most_specific_pattern() {
        let all = of_tools(&[
            ("get_user", json!({ "timeout": 1 })),
            ("*", json!({ "timeout": 2, "max_concurrency": 2, "hidden": true, "confirm": "any?" })),
            ("get_*", json!({ "timeout": 3, "max_concurrency": 3, "confirm": "first?" })),
            ("*user", json!({ "confirm": "later?" })),
            ("put_*", json!({ "structured": true })),
        ]);
        let (found, paths) = applied(&all, Entry::new(Kind::Tool, "get_user"));
        assert_eq!(
            found,
            json!({ "timeout": 1.0, "max_concurrency": 3, "hidden": true, "confirm": "later?" })
        );
        let expected =
            ["get_user", "\"*user\"", "\"get_*\"", "\"*\""].map(|name| format!("policies.tools.{name}"));
        assert_eq!(paths, expected);
        let own = Entry::new(Kind::Tool, "get_user").timeout(std::time::Duration::from_secs(9)).hidden(false);
        let (found, _) = applied(&all, own);
        assert_eq!((&found["timeout"], &found["hidden"]), (&json!(9.0), &json!(false)));
        assert_eq!(applied(&all, Entry::new(Kind::Prompt, "get_user")), (json!({}), Vec::new()));
    }

    /// Stars do not make a pattern more specific.
    #[test]
    fn a_pattern_with_more_stars_is_not_more_specific() {
        let all = of_tools(&[
            ("a*", json!({ "timeout": 1 })),
            ("***", json!({ "timeout": 2, "max_concurrency": 2 })),
            ("*", json!({ "max_concurrency": 1 })),
        ]);
        let (found, paths) = applied(&all, Entry::new(Kind::Tool, "ab"));
        assert_eq!(found, json!({ "timeout": 1.0, "max_concurrency": 1 }), "{paths:?}");
    }

    #[test]
    fn an_entry_records_what_came_from_settings() {
        let all = of_tools(&[
            ("*", json!({ "timeout": 2, "max_concurrency": 2 })),
            ("a*", json!({ "timeout": 3, "scopes": ["s"] })),
        ]);
        let mut entry = Entry::new(Kind::Tool, "ab").max_concurrency(1);
        all.apply(&mut entry);
        assert_eq!(entry.configured, ["timeout"]);
    }

    #[test]
    fn the_order_of_patterns_is_compared_within_a_kind() {
        let (a, b) = (("a*", json!({})), ("*a", json!({})));
        let mut before = of_tools(&[a.clone(), b.clone()]);
        assert_eq!(before.first_moved(&of_tools(&[a.clone(), b.clone()])), None);
        assert_eq!(before.first_moved(&of_tools(&[b.clone(), a.clone()])), Some(["policies", "tools", "a*"]));
        let prompts = kind_word("prompts").unwrap();
        before.add(prompts, "a*", Policies::default());
        let mut others = EntryPolicies::default();
        others.add(prompts, "a*", Policies::default());
        others.0.extend(of_tools(&[a, b]).0);
        assert_eq!(before.first_moved(&others), None, "the order of kinds does not count");
    }

    #[test]
    fn tags_and_rules_of_all_patterns_add_up() {
        let all = of_tools(&[
            ("a*", json!({ "tags": ["x", "own"], "scopes": ["s"] })),
            ("ab", json!({ "tags": ["y"], "roles": ["r"] })),
        ]);
        let (found, _) = applied(&all, Entry::new(Kind::Tool, "ab").tags(["own"]));
        assert_eq!(found, json!({ "tags": ["own", "x", "y"] }));
        let paths: Vec<_> = all.rules(Kind::Tool, "ab").into_iter().map(|rule| rule.path).collect();
        assert_eq!(paths, ["policies.tools.ab", "policies.tools.\"a*\""]);
        assert!(all.rules(Kind::Tool, "b").is_empty());
    }

    /// The member of the definition is what the entry sets.
    #[test]
    fn a_definition_that_says_whether_calls_are_tasks_counts() {
        let all = of_tools(&[("*", json!({ "task_support": "required" }))]);
        let says = JsonSlice::from_value(&json!({ "taskSupport": "forbidden" }));
        let (found, _) = applied(&all, Entry::new(Kind::Tool, "t").set("execution", says));
        assert_eq!(found, json!({}));
        assert_eq!(applied(&all, Entry::new(Kind::Tool, "t")).0, json!({ "task_support": "required" }));
    }

    #[test]
    fn a_completion_is_found_by_its_name() {
        let mut all = EntryPolicies::default();
        let slow = policies(Kind::Completion, json!({ "timeout": 1 }));
        all.add(kind_word("completions").unwrap(), "ref/prompt/greet#*", slow);
        let definition = json!({ "ref": { "type": "ref/prompt", "name": "greet" }, "argument": "style" });
        for entry in [
            Entry::completion(Kind::Prompt, "greet", "style"),
            Entry::from_json(Kind::Completion, &JsonSlice::from_value(&definition)),
        ] {
            let name = entry.final_name();
            assert_eq!(applied(&all, entry).0, json!({ "timeout": 1.0 }), "{name}");
        }
    }

    #[test]
    fn a_path_has_quotes_where_toml_needs_them() {
        assert_eq!(dotted(&["policies", "tools", "a-b_1"]), "policies.tools.a-b_1");
        assert_eq!(
            dotted(&["policies", "resources", "file:///a.txt", "cache_hints"]),
            "policies.resources.\"file:///a.txt\".cache_hints"
        );
        assert_eq!(dotted(&["a", ""]), "a.\"\"");
        assert_eq!(dotted(&["a", "say \"x\"", "C:\\", "b\nc"]), r#"a."say \"x\""."C:\\"."b\u000ac""#);
    }
}
