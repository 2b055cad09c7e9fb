use super::*;
use crate::json::{JsonSlice, Limits};
use crate::proto::catalog::kind::Kind;

fn json(text: &str) -> JsonSlice {
    JsonSlice::parse(text.to_owned().into(), &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn policies(kind: Kind, spelling: Spelling, text: &str) -> Result<Policies, String> {
    let mut policies = Policies::default();
    set_all(&mut policies, kind, spelling, &json(text)).map_err(|error| error.text)?;
    Ok(policies)
}

fn settings(spelling: Spelling, text: &str) -> Result<ServerSettings, String> {
    let mut settings = ServerSettings::default();
    set_all(&mut settings, Owner::Server, spelling, &json(text)).map_err(|error| error.text)?;
    Ok(settings)
}

#[test]
fn what_is_read_is_written_back() {
    let tool = r#"{"timeout":1.5,"max_concurrency":3,"tags":["a","b"],"hidden":true,"unknown_arguments":"drop","coerce_arguments":false,"structured":true,"task_support":"optional","defer_task":true,"once_only":true}"#;
    let read = policies(Kind::Tool, Spelling::Python, tool).unwrap();
    let same = |written: JsonSlice, text: &str| {
        assert_eq!(
            written.deserialize::<serde_json::Value>().unwrap(),
            json(text).deserialize::<serde_json::Value>().unwrap()
        );
    };
    same(write(&read, Spelling::Python), tool);
    let node = tool.replace("1.5", "1500.0");
    let node = [
        "max_concurrency",
        "unknown_arguments",
        "coerce_arguments",
        "task_support",
        "defer_task",
        "once_only",
    ]
    .into_iter()
    .fold(node, |text, name| text.replace(name, &Spelling::Node.name(name)));
    same(write(&read, Spelling::Node), &node);
    same(write(&policies(Kind::Tool, Spelling::Node, &node).unwrap(), Spelling::Python), tool);
    let server = r#"{"title":"T","description":"D","icons":[],"website_url":"https://a.example","instructions":"I","revisions":["2025-06-18"],"mask_errors":false,"cache_hints":{"ttlMs":1.0,"cacheScope":"private"},"coerce_arguments":true,"assert_formats":false,"end_with_stdin":false,"log_level":"warn","capabilities":["tools","logging"],"extensions":{"a.example/x":{"y":1}},"cache_hints_of":{"tools/list":{"ttlMs":2.0,"cacheScope":"public"}}}"#;
    let read = settings(Spelling::C, &server.replace("1.0", "1").replace("2.0", "2")).unwrap();
    same(write(&read, Spelling::C), server);
}

#[test]
fn node_has_all_caching_hints_in_one_option() {
    let text =
        r#"{"cacheHints":{"ttlMs":1,"tools":{"ttlMs":2},"resourceTemplates":{"cacheScope":"private"}}}"#;
    let mut read = settings(Spelling::Node, text).unwrap();
    let shown = write(&read, Spelling::Node);
    assert!(
        shown.as_str().contains(r#""resourceTemplates":{"ttlMs":0.0,"cacheScope":"private"}"#),
        "{shown}"
    );
    assert_eq!(
        names::<ServerSettings>(Owner::Server, Spelling::Node)
            .iter()
            .filter(|name| name.starts_with("cacheHints"))
            .count(),
        1
    );
    assert_eq!(set(&mut read, Owner::Server, Spelling::Node, "cacheHintsOf", &json("{}")), Ok(false));
}

#[test]
fn errors_name_the_option_its_value_and_what_to_do() {
    let refused = |kind, spelling, text| policies(kind, spelling, text).unwrap_err();
    let all = [
        (Spelling::Python, r#"{"timeout":"1"}"#, "timeout must be a number of seconds above 0, not '1'"),
        (Spelling::Node, r#"{"timeout":0}"#, "timeout must be a number of milliseconds above 0, not 0"),
        (Spelling::C, r#"{"timeout":-1}"#, "timeout must be a number of milliseconds above 0, not -1"),
        (Spelling::Python, r#"{"max_concurrency":0}"#, "max_concurrency must be a positive integer, not 0"),
        (Spelling::Node, r#"{"maxConcurrency":1.5}"#, "maxConcurrency must be a positive integer, not 1.5"),
        (Spelling::Python, r#"{"structured":1}"#, "structured must be True or False, not 1"),
        (Spelling::Node, r#"{"structured":"yes"}"#, "structured must be a boolean, not \"yes\""),
        (Spelling::C, r#"{"hidden":"yes"}"#, "hidden must be true or false, not \"yes\""),
        (Spelling::Node, r#"{"tags":["a",1]}"#, "tags must be an array of strings, not [\"a\",1]"),
        (Spelling::Python, r#"{"tags":[""]}"#, "tag \"\" must have 1 to 128 bytes"),
        (
            Spelling::Python,
            r#"{"task_support":"no"}"#,
            "task_support must be 'forbidden', 'optional' or 'required', not 'no'",
        ),
        (
            Spelling::Node,
            r#"{"unknownArguments":true}"#,
            "unknownArguments must be \"schema\", \"refuse\" or \"drop\", not true",
        ),
        (
            Spelling::Python,
            r#"{"cache_hints":1}"#,
            "only resources, resource templates and resource providers can have cache_hints",
        ),
    ];
    for (spelling, text, error) in all {
        assert_eq!(refused(Kind::Tool, spelling, text), error);
    }
    let error = refused(Kind::Tool, Spelling::Node, r#"{"maxConcurency":1}"#);
    assert!(error.starts_with("there is no option \"maxConcurency\"; the nearest name is \"maxConcurrency\"; the options are timeout, "), "{error}");
    let all = [
        (
            Spelling::C,
            r#"{"cache_hints":{"ttlMs":-1}}"#,
            "cache_hints.ttlMs must be a whole number of milliseconds from 0, not -1",
        ),
        (
            Spelling::C,
            r#"{"cache_hints":{"ttlMs":9007199254740992}}"#,
            "cache_hints.ttlMs must be a whole number of milliseconds from 0, not 9007199254740992",
        ),
        (
            Spelling::Node,
            r#"{"cacheHints":{"tools":{"cacheScope":"all"}}}"#,
            "cacheHints.tools.cacheScope must be \"public\" or \"private\", not \"all\"",
        ),
        (
            Spelling::Node,
            r#"{"cacheHints":{"ttl":1}}"#,
            "cacheHints: there is no option \"ttl\"; the options are ttlMs, cacheScope, discover, tools, prompts, resources, resourceTemplates, read, skills, skill",
        ),
        (
            Spelling::Python,
            r#"{"cache_hints":{"ttlMs":1}}"#,
            "cache_hints: there is no option \"ttlMs\"; the options are ttl, scope",
        ),
        (
            Spelling::Python,
            r#"{"cache_hints":"x"}"#,
            "cache_hints must be a number of seconds from 0, not 'x'",
        ),
        (
            Spelling::Python,
            r#"{"cache_hints_of":{"tools/call":1}}"#,
            "cache_hints_of: results of \"tools/call\" cannot have caching hints; those of server/discover, tools/list, prompts/list, resources/list, resources/templates/list, resources/read, skills/list, skills/get can",
        ),
        (
            Spelling::C,
            r#"{"revisions":["2025"]}"#,
            "revisions: there is no revision \"2025\"; the revisions are 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05",
        ),
        (Spelling::C, r#"{"revisions":[]}"#, "revisions must contain at least one revision"),
        (Spelling::Node, r#"{"extensions":[]}"#, "extensions must be an object, not []"),
        (Spelling::Node, r#"{"extensions":{"a":{}}}"#, "extension \"a\" "),
        (Spelling::C, r#"{"title":5}"#, "title must be a string, not 5"),
    ];
    for (spelling, text, error) in all {
        let refused = settings(spelling, text).unwrap_err();
        assert!(refused.starts_with(error), "{refused}");
    }
}

#[test]
fn large_and_odd_numbers_are_read() {
    let mut forever = Policies::default();
    let text = json(r#"{"timeout":1e300,"max_concurrency":1e300}"#);
    set_all(&mut forever, Kind::Tool, Spelling::Python, &text).unwrap();
    assert_eq!(forever.max_concurrency, Some(usize::MAX));
    assert!(forever.timeout.unwrap().as_secs() > 3_000_000_000);
    let mut cached = ServerSettings::default();
    set_all(&mut cached, Owner::Server, Spelling::Python, &json(r#"{"cache_hints":1e300}"#)).unwrap();
    assert!(cached.cache_hints.unwrap().default_hints().ttl.as_secs() > 3_000_000_000);
    let read = |text| policies(Kind::Tool, Spelling::Node, text).unwrap().max_concurrency;
    assert_eq!(
        (read(r#"{"maxConcurrency":3.0}"#), read(r#"{"maxConcurrency":1e300}"#)),
        (Some(3), Some(usize::MAX))
    );
}

#[test]
fn other_members_are_left_and_null_is_not_set() {
    let mut policies = Policies::default();
    let text = r#"{"name":"a","timeout":5,"structured":null,"inputSchema":{"type":"object"}}"#;
    let others = set_known(&mut policies, Kind::Tool, Spelling::Node, &json(text)).unwrap();
    assert_eq!(others.as_str(), r#"{"name":"a","inputSchema":{"type":"object"}}"#);
    assert_eq!((policies.timeout, policies.structured), (Some(std::time::Duration::from_millis(5)), None));
}

#[test]
fn values_that_were_set_by_their_types_are_checked() {
    let mut policies = Policies { max_concurrency: Some(0), ..Policies::default() };
    assert_eq!(
        check(&policies, Kind::Tool).unwrap_err(),
        "max_concurrency must be a positive integer, not 0"
    );
    policies = Policies { unsafe_paths: Some(true), ..Policies::default() };
    assert_eq!(
        check(&policies, Kind::Tool).unwrap_err(),
        "only resource templates and resource providers can have unsafe_paths"
    );
    assert_eq!(check(&policies, Kind::ResourceTemplate), Ok(()));
}

#[test]
fn a_flag_that_is_off_and_a_member_that_is_null_change_nothing() {
    assert!(policies(Kind::Resource, Spelling::Python, r#"{"unsafe_paths":false}"#).is_ok());
    let off = Policies { unsafe_paths: Some(false), ..Policies::default() };
    assert_eq!(check(&off, Kind::Resource), Ok(()));
    let read = settings(Spelling::Node, r#"{"extensions":{"a.example/x":null},"cacheHints":{"tools":null}}"#)
        .unwrap();
    let written: serde_json::Value = write(&read, Spelling::C).deserialize().unwrap();
    assert_eq!(written["extensions"], serde_json::json!({}));
    assert_eq!(written["cache_hints"]["ttlMs"], serde_json::json!(0.0));
    let error = policies(Kind::Tool, Spelling::Python, r#"{"timeuot":null}"#).unwrap_err();
    assert!(error.starts_with("there is no option \"timeuot\"; the nearest name is \"timeout\""), "{error}");
}
