//! Secrets stay secret, files stay whole, and no source can bring the process down.

use crate::{Folder, error, get, slice};
use serde_json::{Value, json};
use std::fs;
use tenon_mcp::{ErrorKind, JsonSlice, Settings};

const SECRET: &str = "hunter2-7c1";

fn shop() -> JsonSlice {
    slice(&json!({
        "type": "object",
        "$defs": { "Db": { "type": "object", "properties": { "password": { "type": ["string", "null"], "writeOnly": true } } } },
        "properties": {
            "db": { "$ref": "#/$defs/Db" },
            "maybe": { "anyOf": [{ "$ref": "#/$defs/Db" }, { "type": "null" }] },
            "users": { "type": "array", "items": { "$ref": "#/$defs/Db" } },
            "apiKey": { "type": "string", "format": "password" },
            "code": { "enum": ["1", "2"] },
            "maxItems": { "type": "integer" },
        },
        "additionalProperties": false,
    }))
}

#[test]
fn secrets_are_found_behind_references_and_in_arrays() {
    let folder = Folder::new();
    let toml = format!(
        "[shop]\ndb.password = \"{SECRET}\"\nmaybe = {{ password = \"{SECRET}\" }}\nusers = [{{ password = \"{SECRET}\" }}]\napiKey = \"{SECRET}\"\n"
    );
    let settings = folder.settings(&toml, "").section("shop", &shop()).load().unwrap();
    let expected = json!({
        "db": { "password": true }, "maybe": { "password": true }, "users": [{ "password": true }], "apiKey": true,
    });
    assert_eq!(get(&settings, "shop"), expected);
    for (key, value) in [
        ("shop.db", json!({ "password": SECRET })),
        ("shop.users", json!([{ "password": SECRET }])),
        ("shop.apiKey", json!(true)),
    ] {
        let set = settings.set(key, &slice(&value)).and_then(|()| settings.save());
        assert!(set.is_err(), "{key}");
        settings.set(key, &JsonSlice::null()).unwrap();
    }
    let text = fs::read_to_string(folder.0.join("app.toml")).unwrap();
    assert_eq!(text, toml);
    let schema = settings.schema().to_value().unwrap();
    assert!(schema["properties"]["shop"]["properties"]["apiKey_file"].is_object());
}

#[test]
fn no_error_has_a_secret() {
    let folder = Folder::new();
    for (toml, variables) in [
        (format!("[server]\nstore = [\"{SECRET}\"]"), String::new()),
        (format!("[server]\nstore = {{ url = \"{SECRET}\" }}"), String::new()),
        (format!("[[server]]\nstore = \"{SECRET}\""), String::new()),
        (format!("[server]\nauth = \"{SECRET}\""), String::new()),
        (format!("[server.auth]\ntype = \"jwt\"\nsecret = \"{SECRET}\""), String::new()),
        (format!("[[server.auth]]\ntype = \"jwt\"\nsecret = [\"{SECRET}\"]"), String::new()),
        (format!("[[server.auth]]\ntype = \"api_keys\"\nkeys = \"{SECRET}\""), String::new()),
        (format!("[[server.auth]]\ntype = \"api_keys\"\nkeys = [\"{SECRET}\"]"), String::new()),
        (format!("server = \"{SECRET}\""), String::new()),
        (String::new(), format!("TENON_TEST_SERVER__STORE__URL={SECRET}")),
        (String::new(), format!("TENON_TEST_SHOP__DB={SECRET}")),
        (format!("[shop]\napiKey = {{ a = \"{SECRET}\" }}"), String::new()),
        (format!("[shop]\napiKey = \"{SECRET}"), String::new()),
        (String::new(), format!("TENON_TEST_SHOP__APIKEY=\"{SECRET}")),
    ] {
        let text = error(&folder, folder.settings(&toml, &variables).section("shop", &shop()));
        assert!(!text.contains(SECRET), "{toml:?} {variables:?}: {text}");
    }
    // The file is wrong when the settings are saved.
    let settings = folder.settings("[limits]\n", "").load().unwrap();
    settings.set("limits.max_calls", &slice(&json!(5))).unwrap();
    folder.file("app.toml", &format!("[shop]\napiKey = \"{SECRET}\n"));
    let text = settings.save().unwrap_err().message().to_owned();
    assert!(text.contains("app.toml, line 2: ") && !text.contains(SECRET), "{text}");
}

#[test]
fn errors_of_sections_name_the_value_that_is_wrong() {
    let folder = Folder::new();
    let toml = "[shop]\ncode = \"1\"\n";
    for (toml, variables, expected) in [
        (
            toml,
            "TENON_TEST_SHOP__MAXITEMS=x",
            "the variable TENON_TEST_SHOP__MAXITEMS (.env, line 1): shop.maxItems: ",
        ),
        ("[shop]\ncode = \"1\"\nmaxItems = true\n", "", "app.toml, line 3: shop.maxItems: "),
        (
            "[shop]\ncode = \"1\"\nmaxItem = 1\n",
            "",
            "app.toml, line 3: shop: there is no setting \"maxItem\"; the nearest name is \"maxItems\"",
        ),
    ] {
        let text = error(&folder, folder.settings(toml, variables).section("shop", &shop()));
        assert!(text.starts_with(expected), "{text}");
    }
    // A text that looks like a number stays a text where the schema takes texts.
    let settings = folder.settings("", "TENON_TEST_SHOP__CODE=1\nTENON_TEST_SHOP__APIKEY=12345\n");
    let settings = settings.section("shop", &shop()).load().unwrap();
    assert_eq!(get(&settings, "shop"), json!({ "apiKey": true, "code": "1" }));
    // The name of a secret's file, without regard to capitals.
    let secret = folder.file("secret", SECRET);
    let variables = format!("TENON_TEST_SHOP__APIKEY_FILE={}\n", secret.display());
    let settings = folder.settings("", &variables).section("shop", &shop()).load().unwrap();
    assert_eq!(get(&settings, "shop"), json!({ "apiKey": true }));
}

#[test]
fn a_later_source_replaces_a_value_before_its_file_or_its_variables_are_read() {
    let folder = Folder::new();
    let toml = "[server]\ntitle = \"${NONE_SUCH}\"\nstore_file = \"/none/such\"\n[serve]\nhttp = 8000\n";
    let variables =
        "TENON_TEST_SERVER__TITLE=a\nTENON_TEST_SERVER__STORE=memory:\nTENON_TEST_SERVE__HTTP__PATH=/x\n";
    let settings = folder.settings(toml, variables).load().unwrap();
    assert_eq!(get(&settings, "server.title"), "a");
    assert_eq!(get(&settings, "serve.http"), json!({ "port": 8000, "path": "/x" }));
    let twice = "TENON_TEST_LIMITS__MAX_CALLS=1\nTENON_TEST_LIMITS__max_calls=2\n";
    assert!(error(&folder, folder.settings("", twice)).contains(" sets the same setting; remove one"));
    // The file of further variables may be missing.
    assert!(Settings::builder().dotenv(folder.0.join("none")).prefix("TENON_TEST").load().is_ok());
    let quoted = "A='a $B # c'\nexport B=\"x\\\"y\"\nTENON_TEST_SERVER__TITLE=pa$$word # a comment\n";
    let settings = folder.settings("[server]\nname = \"${A}${B}\"\n", quoted).load().unwrap();
    assert_eq!(get(&settings, "server.name"), "a $B # cx\"y");
    assert_eq!(get(&settings, "server.title"), "pa$$word");
}

#[test]
fn what_is_saved_is_what_is_read() {
    let folder = Folder::new();
    let toml = "[server]\r\nname = \"demo\" # its name\r\nicons = [] # none\r\n\r\n[limits]\r\nmax_calls = 1 # few\r\ncall_timeout = 5\r\n\r\n[serve]\r\nunix = { path = \"a\" } # here\r\n";
    let settings = folder.settings(toml, "").load().unwrap();
    let title = "costs ${X} and $${Y}";
    settings.set("server.title", &slice(&json!(title))).unwrap();
    settings.set("limits", &slice(&json!({ "max_calls": 7 }))).unwrap();
    settings.set("serve.unix.mode", &slice(&json!(384))).unwrap();
    settings.save().unwrap();
    let text = fs::read_to_string(folder.0.join("app.toml")).unwrap();
    let expected = "[server]\r\nname = \"demo\" # its name\r\nicons = [] # none\r\ntitle = \"costs $${X} and $$${Y}\"\r\n\r\n[limits]\r\nmax_calls = 7 # few\r\ncall_timeout = 5\r\n\r\n[serve]\r\nunix = { path = \"a\" , mode = 384 } # here\r\n";
    assert_eq!(text, expected);
    let again = Settings::builder().file(folder.0.join("app.toml")).prefix("").load().unwrap();
    assert_eq!(get(&again, "server.title"), title);
    assert_eq!(get(&again, "limits.call_timeout"), 5);
    // A value of another form is not replaced.
    folder.file("app.toml", "[serve]\nhttp = 8000\n");
    let settings = Settings::builder().file(folder.0.join("app.toml")).prefix("").load().unwrap();
    settings.set("serve.http.path", &slice(&json!("/x"))).unwrap();
    let refused = settings.save().unwrap_err();
    assert!(
        refused
            .message()
            .ends_with("serve.http.path: http is not a table in the file; write it as a table first"),
        "{refused}"
    );
    settings.set("serve.http.path", &JsonSlice::null()).unwrap();
    settings.save().unwrap();
    assert_eq!(fs::read_to_string(folder.0.join("app.toml")).unwrap(), "[serve]\nhttp = 8000\n");
    // JSON files keep the other values.
    let json_file = folder.file("app.json", "{\"limits\":{\"max_calls\":1,\"call_timeout\":5}}");
    let settings = Settings::builder().file(&json_file).prefix("").load().unwrap();
    settings.set("limits.max_calls", &slice(&json!(3))).unwrap();
    settings.save().unwrap();
    let saved: Value = serde_json::from_str(&fs::read_to_string(json_file).unwrap()).unwrap();
    assert_eq!(saved, json!({ "limits": { "max_calls": 3, "call_timeout": 5 } }));
    let yet = folder.0.join("app.json");
    assert_eq!(Settings::write_default(yet).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_value_of_code_does_not_read_the_file_again() {
    let folder = Folder::new();
    let settings = folder.settings("[limits]\nmax_calls = 1\n", "").load().unwrap();
    folder.file("app.toml", "half [");
    settings.set("limits.max_peer_calls", &slice(&json!(2))).unwrap();
    assert_eq!(get(&settings, "limits.max_calls"), 1);
    assert_eq!(settings.set("limits.max_call", &JsonSlice::null()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn odd_names_and_depths_are_errors() {
    let folder = Folder::new();
    for key in ["limits[4000000000]", "limits[-4000000000]", "[0]", "", "a", ".", "limits..a"] {
        let built = Settings::builder().prefix("").set(key, &slice(&json!(1))).load();
        assert!(built.is_err(), "{key}");
        let settings = Settings::builder().prefix("").load().unwrap();
        assert!(settings.set(key, &slice(&json!(1))).is_err(), "{key}");
    }
    let many = vec!["a"; 300_000];
    let section = slice(&json!({ "type": "object" }));
    let deep = format!("shop.{}", many.join("."));
    let built = Settings::builder().prefix("").section("shop", &section).set(&deep, &slice(&json!(1))).load();
    assert_eq!(built.unwrap_err().message(), "code: the key has more than 32 parts");
    let variable = format!("TENON_TEST_SHOP__{}=1", many.join("__"));
    assert!(error(&folder, folder.settings("", &variable)).ends_with("the key has more than 32 parts"));
    let dotted = vec!["a"; 70].join(".");
    let toml = format!("shop = {{ {dotted} = {{ {dotted} = 1 }} }}");
    assert!(error(&folder, folder.settings(&toml, "")).contains("deeper than 32 levels"));
    assert!(
        error(&folder, folder.settings(&format!("[limits]\nmax_calls = {}", "[".repeat(100_000)), ""))
            .starts_with("app.toml, line ")
    );
    for text in ["nan", "inf", "-inf"] {
        let toml = format!("[limits]\ncall_timeout = {text}");
        assert_eq!(error(&folder, folder.settings(&toml, "")), "app.toml, line 2: a number must be finite");
    }
    // A null counts as not set.
    let file = folder.file("app.json", "{\"serve\": {\"http\": {\"port\": 0, \"path\": null}}, \"server\": {\"store_file\": null, \"title\": null}}");
    let settings = Settings::builder().file(file).prefix("").load().unwrap();
    assert_eq!(get(&settings, "server.title"), Value::Null);
    assert_eq!(get(&settings, "serve.http"), json!({ "port": 0 }));
    // Many small objects are read in one pass.
    let members: Vec<_> = (0..60_000).map(|number| format!("\"a{number}\":{{}}")).collect();
    let file = folder.file("many.json", &format!("{{\"shop\":{{{}}}}}", members.join(",\n")));
    let began = std::time::Instant::now();
    Settings::builder().file(file).prefix("").section("shop", &section).load().unwrap();
    assert!(began.elapsed().as_secs() < 30, "it takes quadratic time");
}
