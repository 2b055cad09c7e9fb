//! The line of a file that an error names, if the value is within an option.

use super::{Folder, error};
use tenon_mcp::Settings;

/// Each text is wrong in one place. The error begins with the line of it and its path.
#[test]
fn an_error_within_an_option_has_its_own_line() {
    let folder = Folder::new();
    let keys = |key: &str| format!("[[server.auth]]\ntype = \"api_keys\"\nkeys = [\n{key},\n]\n");
    let good = keys("{ subject = \"ann\", value = \"a-long-random-key\" }");
    let jwt = "[[server.auth]]\ntype = \"jwt\"\nissuer = \"https://login.example\"\n";
    for (toml, expected) in [
        (format!("{good}{jwt}leewai = 5\n"), "line 6: server.auth[1]: there is no option \"leewai\""),
        (format!("{good}{jwt}leeway = -5\n"), "line 9: server.auth[1].leeway "),
        (
            format!("{jwt}{good}leeway = 5\n"),
            "line 4: server.auth[1]: only jwt and introspection can have leeway",
        ),
        (
            format!("{jwt}{}", keys("{ subject = \"ann\", value = \"a-long-random-key\", scopes = 7 }")),
            "line 7: server.auth[1].keys[0].scopes ",
        ),
        (
            "[server.access_of_tags]\n\"team\" = { scopes = [\"a\"] }\n\"team:red\" = { scopes = 7 }\n"
                .into(),
            "line 3: server.access_of_tags.team:red.scopes ",
        ),
        (
            "[server.access_of_tags]\n\"team.red\" = { scopes = 7 }\n\"team\" = { scopes = [\"a\"] }\n"
                .into(),
            "line 2: server.access_of_tags.team.red.scopes ",
        ),
    ] {
        let text = error(&folder, folder.settings(&toml, ""));
        assert!(text.starts_with(&format!("app.toml, {expected}")), "{toml}{text}");
    }
}

#[test]
fn elements_of_json_lists_have_lines() {
    let folder = Folder::new();
    let json = "{\n\"server\": {\n\"auth\": [\n{ \"type\": \"api_keys\", \"keys\": [] },\n{ \"type\": \"jwt\",\n\"leewai\": 5 }\n] } }";
    let settings = Settings::builder().file(folder.file("app.json", json)).prefix("");
    let text = error(&folder, settings);
    assert!(text.starts_with("app.json, line 5: server.auth[1]: there is no option \"leewai\""), "{text}");
    let deep = format!("{{\n\"server\": {{ \"extensions\": {}1{} }} }}", "[".repeat(60), "]".repeat(60));
    let settings = Settings::builder().file(folder.file("deep.json", &deep)).prefix("");
    assert!(error(&folder, settings).contains("it is nested deeper than 32 levels"));
}
