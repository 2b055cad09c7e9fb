use super::*;
use proptest::prelude::*;

fn words(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|word| (*word).to_owned()).collect())
}

fn ann(scopes: &[&str], roles: &[&str]) -> Principal {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Principal::new("https://a.example", "ann").with_scopes(own(scopes)).with_roles(own(roles))
}

fn access(rules: &AccessRules, own: Rule, tags: &[&str]) -> Option<Access> {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    rules.access(&own, tags.iter()).unwrap()
}

fn allows(access: &Option<Access>, caller: Option<&Principal>) -> bool {
    access.as_ref().is_none_or(|access| access.check(caller).is_ok())
}

#[test]
fn without_rules_everybody_may_use_an_entry() {
    assert_eq!(access(&AccessRules::default(), Rule::default(), &["a"]), None);
}

#[test]
fn all_scopes_and_one_role_are_needed() {
    let rule = Rule { scopes: words(&["a", "b"]), roles: words(&["x", "y"]), public: None };
    let access = access(&AccessRules::default(), rule, &[]);
    for (scopes, roles, may) in [
        (&["a", "b"][..], &["x"][..], true),
        (&["b", "a", "c"], &["y", "z"], true),
        (&["a"], &["x"], false),
        (&["a", "b"], &[], false),
        (&["a", "b"], &["z"], false),
        (&[], &["x"], false),
    ] {
        assert_eq!(allows(&access, Some(&ann(scopes, roles))), may, "{scopes:?} {roles:?}");
    }
    assert!(!allows(&access, None));
    let denied =
        |scopes: &[&str]| access.as_ref().unwrap().check(Some(&ann(scopes, &[]))).unwrap_err().error();
    assert!(denied(&["a"]).message.contains("needs the scopes a b"));
    assert!(denied(&["a", "b"]).message.contains("none of the required roles"));
}

#[test]
fn a_refusal_of_anonymous_callers_spares_public_entries() {
    let rules = AccessRules { refuses_anonymous: true, ..AccessRules::default() };
    assert!(!allows(&access(&rules, Rule::default(), &[]), None));
    assert!(allows(&access(&rules, Rule::default(), &[]), Some(&ann(&[], &[]))));
    let public = Rule { public: Some(true), ..Rule::default() };
    assert_eq!(access(&rules, public, &[]), None);
    let private = Rule { public: Some(false), ..Rule::default() };
    assert!(!allows(&access(&AccessRules::default(), private, &[]), None));
}

#[test]
fn rules_of_tags_add_to_the_rule_of_the_entry() {
    let rules = AccessRules {
        default: Rule { scopes: words(&["use"]), ..Rule::default() },
        of_tags: vec![
            ("admin".into(), Rule { roles: words(&["root"]), ..Rule::default() }),
            ("open".into(), Rule { public: Some(true), ..Rule::default() }),
        ],
        ..AccessRules::default()
    };
    let plain = access(&rules, Rule::default(), &[]);
    assert!(allows(&plain, Some(&ann(&["use"], &[]))) && !allows(&plain, Some(&ann(&[], &[]))));
    let admin = access(&rules, Rule::default(), &["admin"]);
    assert!(allows(&admin, Some(&ann(&["use"], &["root"]))) && !allows(&admin, Some(&ann(&["use"], &[]))));
    let own = access(&rules, Rule { scopes: words(&["own"]), ..Rule::default() }, &["admin"]);
    assert!(allows(&own, Some(&ann(&["own"], &["root"]))) && !allows(&own, Some(&ann(&["use"], &["root"]))));
    // An entry that is public by its own rule still needs what its tags need.
    let public = access(&rules, Rule { public: Some(true), ..Rule::default() }, &["admin"]);
    assert!(!allows(&public, None) && allows(&public, Some(&ann(&[], &["root"]))));
    // The default scopes are needed although the tag says public.
    assert!(!allows(&access(&rules, Rule::default(), &["open"]), None));
}

#[test]
fn a_broad_scope_includes_narrow_ones_through_others_and_in_circles() {
    let includes = [("admin", &["write"][..]), ("write", &["read"]), ("read", &["admin"])];
    let includes = includes.map(|(broad, narrow)| (broad.to_owned(), words(narrow).unwrap()));
    let rules = AccessRules { includes: includes.to_vec(), ..AccessRules::default() };
    let read = access(&rules, Rule { scopes: words(&["read"]), ..Rule::default() }, &[]);
    assert!(["read", "write", "admin"].iter().all(|scope| allows(&read, Some(&ann(&[scope], &[])))));
    assert!(!allows(&read, Some(&ann(&["other"], &[]))));
}

#[test]
fn a_public_entry_cannot_need_anything() {
    let rule = Rule { public: Some(true), scopes: words(&["a"]), roles: None };
    let said = AccessRules::default().access(&rule, std::iter::empty()).unwrap_err();
    assert!(said.contains("public cannot need scopes"), "{said}");
}

fn any_access() -> impl Strategy<Value = Option<Access>> {
    let some = |words: &'static [&'static str]| proptest::sample::subsequence(words, 0..=words.len());
    (any::<bool>(), some(&["a", "b", "c"]), some(&["x", "y"]), any::<Option<bool>>()).prop_map(
        |(refuses_anonymous, scopes, roles, public)| {
            let rules = AccessRules { refuses_anonymous, ..AccessRules::default() };
            let public = public.filter(|public| !public || scopes.is_empty() && roles.is_empty());
            access(&rules, Rule { scopes: words(&scopes), roles: words(&roles), public }, &[])
        },
    )
}

proptest! {
    /// A mount never opens what the mounted server has closed, or what the outer server closes.
    #[test]
    fn both_allow_only_what_each_allows(
        inner in any_access(),
        outer in any_access(),
        caller in proptest::option::of((
            proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            proptest::sample::subsequence(vec!["x", "y"], 0..=2),
        )),
    ) {
        let caller = caller.map(|(scopes, roles)| ann(&scopes, &roles));
        let caller = caller.as_ref();
        let both = Access::both(inner.clone(), outer.clone());
        prop_assert_eq!(allows(&both, caller), allows(&inner, caller) && allows(&outer, caller));
    }
}
