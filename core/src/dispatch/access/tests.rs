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
    rules.access(&own, tags.iter(), &[]).unwrap()
}

/// Whether a server that allows anonymous callers lets the caller use the entry.
fn allows(access: &Option<Access>, principal: Option<&Principal>) -> bool {
    allows_if(access, Caller { principal, refuses_anonymous: false, hidden: None })
}

fn allows_if(access: &Option<Access>, caller: Caller<'_>) -> bool {
    match access {
        Some(access) => access.check(caller).is_ok(),
        None => caller.principal.is_some() || !caller.refuses_anonymous,
    }
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
    let denied = |scopes: &[&str]| {
        let principal = ann(scopes, &[]);
        let caller = Caller { principal: Some(&principal), refuses_anonymous: false, hidden: None };
        access.as_ref().unwrap().check(caller).unwrap_err().error()
    };
    assert!(denied(&["a"]).message.contains("needs the scopes a b"));
    assert!(denied(&["a", "b"]).message.contains("none of the required roles"));
}

#[test]
fn a_refusal_of_anonymous_callers_spares_public_entries() {
    let rules = AccessRules::default();
    let nobody = Caller { principal: None, refuses_anonymous: true, hidden: None };
    assert!(!allows_if(&access(&rules, Rule::default(), &[]), nobody));
    let somebody = ann(&[], &[]);
    let somebody = Caller { principal: Some(&somebody), refuses_anonymous: true, hidden: None };
    assert!(allows_if(&access(&rules, Rule::default(), &[]), somebody));
    let public = access(&rules, Rule { public: Some(true), ..Rule::default() }, &[]);
    assert!(allows_if(&public, nobody) && public.as_ref().unwrap().is_public());
    let private = Rule { public: Some(false), ..Rule::default() };
    assert!(!allows(&access(&rules, private, &[]), None));
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
    let said = AccessRules::default().access(&rule, std::iter::empty(), &[]).unwrap_err();
    assert!(said.contains("public cannot need scopes"), "{said}");
}

/// The rules of settings, by their paths, the most specific first.
fn configured(all: &[(&str, Rule)]) -> Vec<ConfiguredRule> {
    all.iter().map(|(path, rule)| ConfiguredRule { path: (*path).to_owned(), rule: rule.clone() }).collect()
}

fn public(public: bool) -> Rule {
    Rule { public: Some(public), ..Rule::default() }
}

fn scopes(all: &[&str]) -> Rule {
    Rule { scopes: words(all), ..Rule::default() }
}

#[test]
fn rules_of_settings_are_added_and_open_only_what_nothing_closes() {
    let of_tags = vec![("admin".to_owned(), scopes(&["tag"])), ("closed".to_owned(), public(false))];
    let default = AccessRules { default: scopes(&["use"]), ..AccessRules::default() };
    let rules = AccessRules { of_tags, ..AccessRules::default() };
    let tag = |tag: &str| vec![tag.to_owned()];
    let needs = |access: Option<Access>| {
        let access = access.unwrap();
        (access.scopes(), access.roles.len(), access.public)
    };
    // The order of the settings: from the least specific to the most.
    let two = configured(&[("b", scopes(&["two", "own"])), ("a", scopes(&["one"]))]);
    let access = rules.access(&scopes(&["own"]), tag("admin").iter(), &two).unwrap();
    assert_eq!(needs(access), ("own tag one two".to_owned(), 0, None));
    // An entry of a server that refuses strangers becomes public if nothing closes it.
    let opened = configured(&[("x", public(true)), ("y", public(false))]);
    assert_eq!(needs(rules.access(&Rule::default(), [].iter(), &opened).unwrap()).2, Some(true));
    assert_eq!(needs(rules.access(&public(false), [].iter(), &opened).unwrap()).2, Some(false));
    assert_eq!(needs(rules.access(&Rule::default(), tag("closed").iter(), &opened).unwrap()).2, Some(false));
    // An entry that is not public any more needs what the server demands.
    let closed = configured(&[("x", public(false))]);
    let access = default.access(&public(true), [].iter(), &closed).unwrap();
    assert_eq!(needs(access), ("use".to_owned(), 0, Some(false)));
    for (rules, own, tags, others, who) in [
        (&rules, scopes(&["own"]), tag("x"), &[][..], "the entry itself"),
        (&rules, Rule::default(), tag("admin"), &[], "the rule of its tag \"admin\""),
        (&rules, public(true), tag("admin"), &[], "the rule of its tag \"admin\""),
        (&default, Rule::default(), tag("x"), &[], "the server's setting scopes or roles"),
        (&rules, Rule::default(), tag("x"), &[("all", scopes(&["use"]))], "all"),
    ] {
        let all: Vec<_> = [("one", public(true))].into_iter().chain(others.iter().cloned()).collect();
        let said = rules.access(&own, tags.iter(), &configured(&all)).unwrap_err();
        let expected = format!("one makes it public in the settings, but {who} demands scopes or roles");
        assert!(said.starts_with(&expected), "{said}");
    }
}

fn any_access() -> impl Strategy<Value = Option<Access>> {
    let some = |words: &'static [&'static str]| proptest::sample::subsequence(words, 0..=words.len());
    (some(&["a", "b", "c"]), some(&["x", "y"]), any::<Option<bool>>()).prop_map(|(scopes, roles, public)| {
        let rules = AccessRules::default();
        let public = public.filter(|public| !public || scopes.is_empty() && roles.is_empty());
        access(&rules, Rule { scopes: words(&scopes), roles: words(&roles), public }, &[])
    })
}

proptest! {
    /// A mount never opens what the mounted server has closed, or what the outer server closes.
    #[test]
    fn both_allow_only_what_each_allows(
        inner in any_access(),
        outer in any_access(),
        refuses in any::<[bool; 2]>(),
        caller in proptest::option::of((
            proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            proptest::sample::subsequence(vec!["x", "y"], 0..=2),
        )),
    ) {
        let caller = caller.map(|(scopes, roles)| ann(&scopes, &roles));
        let [inner_refuses, outer_refuses] = refuses;
        let caller = |refuses_anonymous| Caller { principal: caller.as_ref(), refuses_anonymous, hidden: None };
        let both = Access::both(Access::to_mount(inner.as_ref(), inner_refuses), outer.clone());
        let each = allows_if(&inner, caller(inner_refuses)) && allows_if(&outer, caller(outer_refuses));
        prop_assert_eq!(allows_if(&both, caller(outer_refuses)), each);
    }
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let some = |words: &'static [&'static str]| {
        proptest::option::of(proptest::sample::subsequence(words, 0..=words.len()))
    };
    (some(&["a", "b", "c"]), some(&["x", "y"]), any::<Option<bool>>()).prop_map(|(scopes, roles, public)| {
        Rule {
            scopes: scopes.map(|all| words(&all).unwrap()),
            roles: roles.map(|all| words(&all).unwrap()),
            public,
        }
    })
}

proptest! {
    /// Settings never let anybody use an entry of whom the entry, its tags or the server demand something. They only let
    /// callers without a principal use an entry that demands nothing and does not say who may use it.
    #[test]
    fn settings_restrict_and_never_widen(
        (own, of_tag, default) in (any_rule(), any_rule(), any_rule()),
        of_settings in proptest::collection::vec(any_rule(), 0..3),
        refuses_anonymous in any::<bool>(),
        caller in proptest::option::of((
            proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            proptest::sample::subsequence(vec!["x", "y"], 0..=2),
        )),
    ) {
        let default = Rule { public: None, ..default };
        let rules = AccessRules { default, of_tags: vec![("t".into(), of_tag)], ..AccessRules::default() };
        let tags = ["t".to_owned()];
        let all: Vec<_> = of_settings.iter().map(|rule| ("x", rule.clone())).collect();
        let Ok(without) = rules.access(&own, tags.iter(), &[]) else { return Ok(()) };
        let Ok(with) = rules.access(&own, tags.iter(), &configured(&all)) else { return Ok(()) };
        let principal = caller.map(|(scopes, roles)| ann(&scopes, &roles));
        let caller = Caller { principal: principal.as_ref(), refuses_anonymous, hidden: None };
        let undecided = without.as_ref().is_none_or(|access| access.public.is_none() && !access.demands_grants());
        if allows_if(&with, caller) && !(undecided && principal.is_none()) {
            prop_assert!(allows_if(&without, caller));
        }
        // What settings demand is needed.
        if let Some(principal) = &principal && allows_if(&with, caller) {
            for rule in &of_settings {
                let scopes = rule.scopes.iter().flatten();
                prop_assert!(scopes.into_iter().all(|scope| principal.has_scope(scope)));
                let roles = rule.roles.as_ref().filter(|roles| !roles.is_empty());
                prop_assert!(roles.is_none_or(|roles| roles.iter().any(|role| principal.has_role(role))));
            }
        }
    }
}
