//! Lists have exactly what their caller may use.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn names(listed: &Value, member: &str, name: &str) -> BTreeSet<String> {
    let all = listed["result"][member].as_array().unwrap_or_else(|| panic!("{listed}"));
    all.iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn callers_who_may_use_the_same_entries_share_a_list() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "pay", &json!({ "scopes": ["pay"] }));
    let list = |caller: &str| modern(&bench, Some(caller), "tools/list", json!({})).unwrap().body;
    let bob = json!({ "subject": "bob", "scopes": ["pay", "other"] }).to_string();
    let both = list(&caller(&["pay"], &[]));
    assert_eq!(both, list(&bob));
    assert_ne!(both, list(&caller(&[], &[])));
    // AU-19.
    let value: Value = serde_json::from_slice(&both).unwrap();
    assert_eq!(value["result"]["cacheScope"], "private");
}

#[test]
fn a_list_without_rules_is_for_everybody() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Resource, "a://secret", &json!({ "scopes": ["read"] }));
    let scope = |method: &str| {
        let listed = modern(&bench, None, method, json!({})).unwrap().json();
        listed["result"]["cacheScope"].as_str().unwrap().to_owned()
    };
    assert_eq!((scope("tools/list"), scope("resources/list")), ("public".to_owned(), "private".to_owned()));
}

/// A cursor of one caller does not show another one more than that caller may see.
#[test]
fn pages_of_a_list_are_cut_from_the_callers_own_list() {
    let mut limits = Limits::default();
    limits.page_size = 1;
    let bench = Bench::with(limits, |builder| builder.principal_resolver(Arc::new(AsTheHeaderSays)));
    for (name, scope) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")] {
        add(&bench, Kind::Tool, name, &json!({ "scopes": [scope] }));
    }
    let walk = |caller: &str| {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let params = cursor.map_or(json!({}), |cursor: String| json!({ "cursor": cursor }));
            let page = modern(&bench, Some(caller), "tools/list", params).unwrap().json();
            seen.extend(names(&page, "tools", "name"));
            match page["result"]["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return seen,
            }
        }
    };
    assert_eq!(walk(&caller(&["x"], &[])), ["work", "a", "c"]);
    assert_eq!(walk(&caller(&["y"], &[])), ["work", "b", "d"]);
    // The same principal with another token: the list is another one, so the cursor is not valid any more.
    let first = modern(&bench, Some(&caller(&["x"], &[])), "tools/list", json!({})).unwrap().json();
    let cursor = first["result"]["nextCursor"].as_str().unwrap();
    let moved =
        modern(&bench, Some(&caller(&["y"], &[])), "tools/list", json!({ "cursor": cursor })).unwrap();
    assert_eq!(moved.code(), -32602);
}

const SCOPES: [&str; 3] = ["a", "b", "c"];
const ROLES: [&str; 2] = ["x", "y"];

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(words, 0..=words.len())
}

fn policies() -> impl Strategy<Value = Value> {
    let tags = proptest::sample::subsequence(vec!["t", "u"], 0..=2);
    (some(&SCOPES), some(&ROLES), any::<[bool; 3]>(), tags).prop_map(
        |(scopes, roles, [s, r, public], tags)| {
            let mut policies = json!({ "tags": tags });
            if s {
                policies["scopes"] = json!(scopes);
            }
            if r {
                policies["roles"] = json!(roles);
            }
            if public
                && policies["scopes"].as_array().is_none_or(Vec::is_empty)
                && policies["roles"].as_array().is_none_or(Vec::is_empty)
            {
                policies["public"] = json!(true);
            }
            policies
        },
    )
}

fn settings() -> impl Strategy<Value = Value> {
    (some(&SCOPES), some(&ROLES), any::<bool>(), some(&SCOPES), any::<Option<bool>>()).prop_map(
        |(scopes, roles, refuse, of_tag, public)| {
            let mut tag = json!({ "scopes": of_tag });
            if let Some(public) = public {
                tag["public"] = json!(public);
            }
            json!({
                "scopes": scopes,
                "roles": roles,
                "anonymous": if refuse { "refuse" } else { "allow" },
                "access_of_tags": { "t": tag },
                "scope_hierarchy": { "a": ["b"] },
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A list shows no entry that a call would refuse, and hides none that a call would allow.
    #[test]
    fn lists_agree_with_calls(
        settings in settings(),
        entries in proptest::collection::vec(policies(), 1..6),
        scopes in some(&SCOPES),
        roles in some(&ROLES),
        known in any::<bool>(),
    ) {
        let bench = bench(|mut builder| {
            builder.set_settings(&JsonSlice::from_value(&settings), Spelling::Rust).unwrap();
            builder
        });
        for (place, policies) in entries.iter().enumerate() {
            add(&bench, Kind::Tool, &format!("t{place}"), policies);
            add(&bench, Kind::Resource, &format!("r://{place}"), policies);
            add(&bench, Kind::ResourceTemplate, &format!("p{place}://{{x}}"), policies);
            add(&bench, Kind::Prompt, &format!("p{place}"), policies);
        }
        let someone = caller(&scopes, &roles);
        let caller = known.then_some(&*someone);
        let list = |method: &str| modern(&bench, caller, method, json!({})).unwrap();
        if list("tools/list").status == 401 {
            // Nothing is public, so the request is refused before it is read.
            prop_assert!(!known);
            prop_assert_eq!(status(&bench, caller, "work"), 401);
            for place in 0..entries.len() {
                prop_assert_eq!(status(&bench, caller, &format!("t{place}")), 401);
            }
            return Ok(());
        }
        let may = |method: &str, params: Value| {
            let got = modern(&bench, caller, method, params);
            // Only the handler's call is taken out, so that no queue gets full.
            bench.ops();
            !matches!(got.map_or(200, |got| got.status), 401 | 403)
        };
        let tools = names(&list("tools/list").json(), "tools", "name");
        let resources = names(&list("resources/list").json(), "resources", "uri");
        let templates = names(&list("resources/templates/list").json(), "resourceTemplates", "uriTemplate");
        let prompts = names(&list("prompts/list").json(), "prompts", "name");
        for place in 0..entries.len() {
            let (tool, uri) = (format!("t{place}"), format!("r://{place}"));
            let (template, prompt) = (format!("p{place}://{{x}}"), format!("p{place}"));
            prop_assert_eq!(tools.contains(&tool), may("tools/call", json!({ "name": tool })), "{}", tool);
            prop_assert_eq!(resources.contains(&uri), may("resources/read", json!({ "uri": uri })), "{}", uri);
            let read = json!({ "uri": format!("p{place}://1") });
            prop_assert_eq!(templates.contains(&template), may("resources/read", read), "{}", template);
            prop_assert_eq!(prompts.contains(&prompt), may("prompts/get", json!({ "name": prompt })), "{}", prompt);
        }
    }
}
