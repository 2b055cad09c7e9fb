//! The section `policies` of a file: its errors, its keys, and when it may change.

use super::policies::{server, with};
use crate::{Folder, error, get, slice};
use serde_json::{Value, json};
use tenon_mcp::{ErrorKind, JsonSlice, Kind, Settings};

#[test]
fn errors_name_the_line_and_the_nearest_name() {
    let folder = Folder::new();
    let at = |lines: &str| format!("\n[policies.tools.\"get_*\"]\n{lines}");
    for (toml, expected) in [
        ("policies = 1".to_owned(), "app.toml, line 1: policies must be a table, not a number"),
        (
            "[policies]\ntool = 1".to_owned(),
            "app.toml, line 2: policies: there is no setting \"tool\"; the nearest name is \"tools\"",
        ),
        ("[policies]\ntools = []".to_owned(), "app.toml, line 2: policies.tools must be a table, not a list"),
        (
            "[policies.tools]\ntimeout = 5".to_owned(),
            "app.toml, line 2: policies.tools.timeout must be a table, not a number",
        ),
        (
            at("scope = [\"a\"]"),
            "app.toml, line 3: policies.tools.\"get_*\": there is no setting \"scope\"; the nearest name is \"scopes\"",
        ),
        (
            at("\ntimeout = \"long\""),
            "app.toml, line 4: policies.tools.\"get_*\".timeout must be a number of seconds above 0, not \"long\"",
        ),
        (
            at("timeout = 0"),
            "app.toml, line 3: policies.tools.\"get_*\".timeout must be a number of seconds above 0, not 0",
        ),
        (
            at("max_concurrency = 0"),
            "app.toml, line 3: policies.tools.\"get_*\".max_concurrency must be a positive integer, not 0",
        ),
        (
            at("max_concurrency_by = { principal = 0 }"),
            "app.toml, line 3: policies.tools.\"get_*\".max_concurrency_by.principal must be a positive integer, not 0",
        ),
        (
            at("[policies.tools.\"get_*\".max_concurrency_by]\nprincipal = 1\n\"arguments.city\" = 0"),
            "app.toml, line 5: policies.tools.\"get_*\".max_concurrency_by.arguments.city must be a positive integer",
        ),
        (
            at("rate_limit = [\n\"5/s\",\n\"fast\"]"),
            "app.toml, line 5: policies.tools.\"get_*\".rate_limit[1]: \"fast\" is no rate",
        ),
        (
            at("timeout = 1\nmax_concurrency_by = { global = 1 }"),
            "app.toml, line 4: policies.tools.\"get_*\".max_concurrency_by: \"global\" tells no calls of one entry apart",
        ),
        (
            at("scopes = \"a\""),
            "app.toml, line 3: policies.tools.\"get_*\".scopes must be a JSON array of strings, not \"a\"",
        ),
        (at("scopes = [\"a b\"]"), "app.toml, line 3: policies.tools.\"get_*\".scopes: \"a b\" must have"),
        (
            at("task_support = \"maybe\""),
            "app.toml, line 3: policies.tools.\"get_*\".task_support must be \"forbidden\"",
        ),
        (
            at("cache_hints = { ttlMs = 1 }"),
            "app.toml, line 3: policies.tools.\"get_*\": only resources, resource templates and resource providers can have cache_hints",
        ),
        (
            at("unsafe_paths = false"),
            "app.toml, line 3: policies.tools.\"get_*\": unsafe_paths weakens safety, so only code can set it; remove it here",
        ),
        (
            "[policies.templates.\"db://*\"]\nunsafe_paths = true".to_owned(),
            "app.toml, line 2: policies.templates.\"db://*\": unsafe_paths weakens safety, so only code can set it; remove",
        ),
        (
            "[policies.hooks.start]\nscopes = []".to_owned(),
            "app.toml, line 2: policies.hooks.start: only tools",
        ),
        (
            "[policies.prompts.\"\"]\npublic = true".to_owned(),
            "app.toml, line 2: policies.prompts: the name \"\" must have 1 to 1024 bytes",
        ),
        (
            at("public = true\nroles = [\"a\"]"),
            "app.toml, line 3: policies.tools.\"get_*\": an entry that is public cannot need scopes or roles",
        ),
    ] {
        let text = error(&folder, folder.settings(&toml, ""));
        assert!(text.starts_with(expected), "{toml}\n{text}");
    }
    let many: String = (0..1025).map(|number| format!("[policies.tools.t{number}]\n")).collect();
    let text = error(&folder, folder.settings(&many, ""));
    assert!(text.ends_with("policies.tools: 1025 names exceed the limit of 1024"), "{text}");
    let long = format!("[policies.tools.{}]\ntimeout = 1", "x".repeat(1025));
    assert!(error(&folder, folder.settings(&long, "")).contains("1 to 1024 bytes"));
}

#[test]
fn keys_have_quotes_and_values_are_saved() {
    let folder = Folder::new();
    let settings =
        with(&folder, "# rules\n[policies.resources.\"file:///a.txt\"]\ntimeout = 5 # slow disk\n");
    let key = "policies.resources.\"file:///a.txt\".timeout";
    assert_eq!(get(&settings, key), 5);
    assert!(settings.source(key).unwrap().ends_with("app.toml, line 5"));
    settings.set(key, &slice(&json!(7))).unwrap();
    settings.set("policies.tools.\"a.*\".scopes", &slice(&json!(["a"]))).unwrap();
    settings.save().unwrap();
    let text = std::fs::read_to_string(folder.0.join("app.toml")).unwrap();
    assert!(text.contains("timeout = 7 # slow disk"), "{text}");
    let again = folder.settings(&text, "").load().unwrap();
    assert_eq!(get(&again, "policies.tools.\"a.*\".scopes"), json!(["a"]));
    let odd = r#"policies.tools."say \"x\" \\".timeout"#;
    settings.set(odd, &slice(&json!(2))).unwrap();
    settings.save().unwrap();
    let text = std::fs::read_to_string(folder.0.join("app.toml")).unwrap();
    let again = folder.settings(&text, "").load().unwrap();
    let tools = get(&again, "policies.tools");
    assert_eq!(tools["say \"x\" \\"]["timeout"], 2, "{tools}");
    assert_eq!(get(&again, odd), 2);
    let wrong = settings.set(odd, &slice(&json!(0))).unwrap_err();
    assert!(wrong.message().contains(odd), "{wrong}");
    let unknown = settings.get("policies.tools.\"a.*\".scope").unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert!(
        unknown.message().ends_with("the nearest name is \"policies.tools.\\\"a.*\\\".scopes\""),
        "{unknown}"
    );
    assert!(
        settings
            .get("policies.tool")
            .unwrap_err()
            .message()
            .ends_with("the nearest name is \"policies.tools\"")
    );
    assert!(settings.set(key, &slice(&json!("x"))).is_err());
    assert_eq!(get(&settings, key), 7);
    let built = Settings::builder().prefix("").set(key, &slice(&json!(3))).load().unwrap();
    assert_eq!(get(&built, key), 3);
}

#[test]
fn the_section_cannot_change_while_the_server_runs() {
    let folder = Folder::new();
    let toml = |policies: &str| format!("[server]\nname = \"demo\"\n{policies}");
    let settings = folder.settings(&toml("[policies.tools.\"a*\"]\nscopes = [\"a\"]\n"), "").load().unwrap();
    let server = server(&settings);
    folder.file("app.toml", &toml("log_level = \"warn\"\n[policies.tools.\"a*\"]\nscopes = [\"a\"]\n"));
    settings.reload().unwrap();
    folder.file("app.toml", &toml("[policies.tools.\"a*\"]\nscopes = [\"b\"]\n"));
    let refused = settings.reload().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::State);
    let expected = "app.toml, line 4: policies.tools.\"a*\".scopes: it differs from what the server was built with, and \
                    cannot change while the server runs; restart the server";
    assert!(refused.message().ends_with(expected), "{refused}");
    assert_eq!(get(&settings, "policies.tools.\"a*\".scopes"), json!(["a"]));
    let two = ["[policies.tools.\"a*\"]\nscopes = [\"a\"]\n", "[policies.tools.\"*a\"]\ntimeout = 1\n"];
    folder.file("app.toml", &toml(&two.concat()));
    let settings_of_two = folder.settings(&toml(&two.concat()), "").load().unwrap();
    let server_of_two = self::server(&settings_of_two);
    folder.file("app.toml", &toml(&[two[1], two[0]].concat()));
    let refused = settings_of_two.reload().unwrap_err();
    let expected = "app.toml, line 6: policies.tools.\"a*\": its place among the patterns differs from what the server was \
                    built with, and cannot change while the server runs; restart the server";
    assert!(refused.message().ends_with(expected), "{refused}");
    folder.file("app.toml", &toml(&two.concat()));
    settings_of_two.reload().unwrap();
    drop(server_of_two);
    folder.file("app.toml", &toml(""));
    assert!(settings.reload().unwrap_err().message().contains("policies.tools: it differs"));
    assert!(server.names(Kind::Tool).is_empty());
}

#[test]
fn a_program_cannot_have_a_section_of_this_name() {
    let schema = JsonSlice::from_value(&json!({ "type": "object" }));
    let error = Settings::builder().prefix("").section("policies", &schema).load().unwrap_err();
    assert_eq!(error.message(), "section \"policies\": there is a section of this name");
}

#[test]
fn the_schema_has_the_policies_of_each_kind() {
    let folder = Folder::new();
    let settings = with(&folder, "");
    let schema = settings.schema().to_value().unwrap();
    let of = |kind: &str| schema["properties"]["policies"]["properties"][kind].clone();
    assert_eq!(schema["properties"]["policies"]["additionalProperties"], false);
    let tools = &of("tools")["additionalProperties"];
    assert_eq!(tools["additionalProperties"], false);
    assert_eq!(tools["properties"]["timeout"]["type"], "number");
    assert_eq!(tools["properties"]["scopes"]["changeable"], Value::Null);
    assert_eq!(tools["properties"]["cache_hints"], Value::Null);
    assert_eq!(
        of("resources")["additionalProperties"]["properties"]["cache_hints"]["type"],
        json!(["number", "object"])
    );
    let of_templates = &of("templates")["additionalProperties"]["properties"];
    assert_eq!(of_templates["cache_hints"]["type"], json!(["number", "object"]));
    assert_eq!(of_templates["unsafe_paths"], Value::Null, "only code can set it");
    assert_eq!(of("hooks")["additionalProperties"]["properties"]["scopes"], Value::Null);
    let path = folder.0.join("default.toml");
    Settings::write_default(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\n[policies]\n") && text.contains("\n# prompts.\"name\".public = …\n"), "{text}");
    assert!(!text.contains("# prompts.\"name\".structured") && !text.contains("unsafe_paths"));
}
