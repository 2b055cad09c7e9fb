//! Settings from files, variables and code.

mod hardening;
mod lines;
mod policies;
mod policies_section;
mod reload;

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tenon_mcp::{ErrorKind, JsonSlice, ServeOptions, Server, Settings, SettingsBuilder, Spelling};

/// A folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tenon-settings-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Settings from this TOML file, and from these variables only.
    fn settings(&self, toml: &str, variables: &str) -> SettingsBuilder {
        let (file, variables) = (self.file("app.toml", toml), self.file(".env", variables));
        Settings::builder().file(file).dotenv(variables).prefix("TENON_TEST")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn slice(value: &Value) -> JsonSlice {
    JsonSlice::from_value(value)
}

fn get(settings: &Settings, key: &str) -> Value {
    settings.get(key).unwrap().map_or(Value::Null, |value| value.to_value().unwrap())
}

/// The text of the error, without the folder of the file.
fn error(folder: &Folder, builder: SettingsBuilder) -> String {
    let error = builder.load().expect_err("the settings are wrong");
    error.message().replace(&format!("{}/", folder.0.display()), "")
}

#[test]
fn later_sources_count_more() {
    let folder = Folder::new();
    let toml = "[server]\nname = \"file\"\ntitle = \"Of the file\"\n[limits]\nmax_calls = 1\nmax_peer_calls = 2\ncall_timeout = 0.5\n";
    let variables = "TENON_TEST_LIMITS__MAX_CALLS=10\nTENON_TEST_SERVER__TITLE=5\nTENON_TEST=none\nOTHER_LIMITS__MAX_CALLS=7\n";
    let settings =
        folder.settings(toml, variables).set("limits.max_peer_calls", &slice(&json!(20))).load().unwrap();
    assert_eq!(get(&settings, "server.name"), "file");
    assert_eq!(get(&settings, "server.title"), "5", "a text stays a text");
    assert_eq!(get(&settings, "limits.max_calls"), 10);
    assert_eq!(get(&settings, "limits.max_peer_calls"), 20);
    assert_eq!(get(&settings, "limits.call_timeout"), 0.5);
    assert_eq!(get(&settings, "limits.ask_timeout"), 600.0, "a default");
    assert_eq!(get(&settings, "server.instructions"), Value::Null);
    let sources = ["server.name", "limits.max_calls", "limits.max_peer_calls", "server.instructions"];
    let sources = sources.map(|key| settings.source(key));
    assert!(sources[0].as_deref().unwrap().ends_with("app.toml, line 2"), "{sources:?}");
    assert!(
        sources[1].as_deref().unwrap().starts_with("the variable TENON_TEST_LIMITS__MAX_CALLS ("),
        "{sources:?}"
    );
    assert_eq!((sources[2].as_deref(), sources[3].as_deref()), (Some("code"), None));
}

#[test]
fn a_server_and_its_transports_are_made_of_them() {
    let folder = Folder::new();
    let toml = "[server]\nname = \"demo\"\nversion = \"2\"\nlog_level = \"warn\"\n[limits]\nmax_calls = 3\n\
                [serve.http]\nport = 0\nallowed_hosts = [\"a.example\"]\n";
    let settings = folder.settings(toml, "TENON_TEST_SERVE__HTTP__PATH=/other\n").load().unwrap();
    let builder = Server::from_settings(&settings).unwrap();
    assert!(builder.build().is_ok());
    let options = ServeOptions::from_settings(&settings).unwrap().to_options(Spelling::Rust);
    assert_eq!(options[0].0, "http");
    let options = options[0].1.to_value().unwrap();
    assert_eq!((&options["path"], &options["allowed_hosts"]), (&json!("/other"), &json!(["a.example"])));
    // Without a section, standard input and output are served.
    let settings = folder.settings("[server]\n", "").load().unwrap();
    assert!(ServeOptions::from_settings(&settings).unwrap().has_standard_io());
    let error = Server::from_settings(&settings).err().unwrap();
    assert_eq!(error.message(), "server.name is not set; set it to the name of the server");
}

/// The file that the documentation shows.
#[test]
fn the_example_of_the_documentation_loads() {
    let folder = Folder::new();
    let secret = folder.file("store", "memory:\n");
    let toml = include_str!("app.toml").replace("/run/secrets/store", secret.to_str().unwrap());
    let schema = json!({ "type": "object", "properties": { "currency": { "type": "string" } } });
    let settings = folder.settings(&toml, "TOWN=Bonn\n").section("shop", &slice(&schema)).load().unwrap();
    assert_eq!(get(&settings, "server.title"), "The shop of Bonn");
    assert_eq!(get(&settings, "shop.currency"), "EUR");
    assert!(Server::from_settings(&settings).unwrap().build().is_ok());
    assert_eq!(ServeOptions::from_settings(&settings).unwrap().to_options(Spelling::Rust).len(), 1);
}

#[test]
fn errors_name_the_source_and_the_nearest_name() {
    let folder = Folder::new();
    let cases = [
        (
            "[sever]\nname = \"a\"",
            "",
            "app.toml, line 1: there is no section \"sever\"; the nearest name is \"server\"",
        ),
        (
            "\n[server]\nlog_levl = \"warn\"",
            "",
            "app.toml, line 3: server: there is no setting \"log_levl\"; the nearest name is \"log_level\"",
        ),
        (
            "[server]\nlog_level = \"loud\"",
            "",
            "app.toml, line 2: server.log_level must be \"debug\", \"info\", \"warn\" or \"error\", not \"loud\"",
        ),
        ("[server]\nname = 5", "", "app.toml, line 2: server.name must be a string, not 5"),
        (
            "[limits]\nmax_call = 1",
            "",
            "app.toml, line 2: limits: there is no setting \"max_call\"; the nearest name is \"max_calls\"",
        ),
        (
            "[limits]\nmax_calls = \"many\"",
            "",
            "app.toml, line 2: limits.max_calls must be an integer from 1, not \"many\"",
        ),
        (
            "[limits]\ncall_timeout = -1",
            "",
            "app.toml, line 2: limits.call_timeout must be a number of seconds",
        ),
        ("limits = 5", "", "app.toml, line 1: limits must be a table, not a number"),
        (
            "[serve]\nhttps = 1",
            "",
            "app.toml, line 2: serve: there is no setting \"https\"; the nearest name is \"http\"",
        ),
        (
            "[serve.http]\nport = 70000",
            "",
            "app.toml, line 2: serve.http.port must be a number from 0 to 65535, not 70000",
        ),
        (
            "[serve.http]\nprt = 1",
            "",
            "app.toml, line 2: serve.http: there is no setting \"prt\"; the nearest name is \"port\"",
        ),
        ("[serve]\nhttp = \"nonsense:\"", "", "app.toml, line 2: serve.http"),
        ("[server", "", "app.toml, line 1: "),
        ("a = 1\na = 2", "", "app.toml, line 2: duplicate key"),
        (
            "",
            "TENON_TEST_LIMITS__MAX_CALLS=many",
            "the variable TENON_TEST_LIMITS__MAX_CALLS (.env, line 1): limits.max_calls must be an integer from 1, not \"many\"",
        ),
        (
            "",
            "TENON_TEST_SERVR__NAME=a",
            "the variable TENON_TEST_SERVR__NAME (.env, line 1): there is no section \"servr\"",
        ),
        ("", "no variable", ".env, line 1: it is not NAME=VALUE"),
        (
            "[server]\ntitle = \"${NONE_SUCH}\"",
            "",
            "app.toml, line 2: the variable \"NONE_SUCH\" is not set, and has no default",
        ),
        ("[server]\ntitle = \"${OPEN\"", "", "app.toml, line 2: \"${\" has no \"}\""),
    ];
    for (toml, variables, expected) in cases {
        let text = error(&folder, folder.settings(toml, variables));
        assert!(text.starts_with(expected), "{toml:?} {variables:?}: {text}");
    }
    let text = error(&folder, folder.settings("", "").set("limits.max_calls", &slice(&json!(0))));
    assert_eq!(text, "code: limits.max_calls must be an integer from 1, not 0");
}

#[test]
fn a_file_has_verifiers() {
    let folder = Folder::new();
    let toml = "[server]\nname = \"shop\"\n[[server.auth]]\ntype = \"api_keys\"\n\
                keys = [{ subject = \"ann\", value = \"${KEY}\", scopes = [\"read\"] }]\n\
                [[server.auth]]\ntype = \"jwt\"\nissuer = \"https://login.example\"\n\
                audience = \"https://shop.example\"\nleeway = 5\nsecret = \"a secret of at least 32 bytes, a b c\"\n";
    let settings = folder.settings(toml, "KEY=a-long-random-key").load().unwrap();
    assert_eq!(get(&settings, "server"), json!({ "name": "shop", "auth": true }));
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    let auth: Value = server.settings().unwrap().get("server.auth").unwrap().unwrap().deserialize().unwrap();
    assert_eq!(auth, true);
    let wrong = folder.settings(&toml.replace("leeway = 5", "leewai = 5"), "KEY=a-long-random-key");
    let text = error(&folder, wrong);
    assert!(text.starts_with("app.toml, line 6: server.auth[1]: there is no option \"leewai\""), "{text}");
}

#[test]
fn json_files_have_lines_too() {
    let folder = Folder::new();
    let load = |text: &str| Settings::builder().file(folder.file("app.json", text)).prefix("");
    let settings =
        load("{\n  \"server\": {\n    \"name\": \"demo\"\n  },\n  \"limits\": { \"max_calls\": 4 }\n}")
            .load()
            .unwrap();
    assert_eq!(get(&settings, "limits.max_calls"), 4);
    assert!(settings.source("server.name").unwrap().ends_with("app.json, line 3"));
    for (text, expected) in [
        (
            "{\n\"limits\": {\n\"max_calls\": true } }",
            "app.json, line 3: limits.max_calls must be an integer from 1, not true",
        ),
        ("{\n\"limits\": {\n\"max_calls\" 1 } }", "app.json, line 3: expected `:`"),
        ("{\n\"limits\": {},\n\"limits\": {} }", "app.json, line 3: the member \"limits\" is there twice"),
        ("[]", "app.json, line 1: invalid type: sequence, expected an object"),
        ("", "app.json, line 1: EOF while parsing a value"),
    ] {
        let text = error(&folder, load(text));
        assert!(text.starts_with(expected), "{text}");
    }
    let deep = format!("{{\"server\": {{\"extensions\": {}1{}}}}}", "{\"a\": ".repeat(60), "}".repeat(60));
    assert!(error(&folder, load(&deep)).contains("it is nested deeper than 32 levels"));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = Folder::new();
    let load = |path: &Path| Settings::builder().file(path).prefix("").load().unwrap_err();
    let unreadable = folder.file("unreadable.toml", "");
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser can read every file.
    if fs::File::open(&unreadable).is_err() {
        let refused = load(&unreadable);
        assert_eq!(refused.kind(), ErrorKind::Io);
        assert!(refused.message().contains("unreadable.toml: it cannot be read: "), "{refused}");
    }
    let missing = load(&folder.0.join("none.toml"));
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.message().ends_with("none.toml: there is no such file"), "{missing}");
    fs::create_dir(folder.0.join("folder.toml")).unwrap();
    assert!(load(&folder.0.join("folder.toml")).message().ends_with("it is not a regular file"));
    let large = folder.0.join("large.toml");
    fs::File::create(&large).unwrap().set_len(100_000_000).unwrap();
    assert!(load(&large).message().ends_with("it is larger than 1048576 bytes"));
    assert!(load(&folder.file("app.yaml", "")).message().ends_with("its name must end with .toml or .json"));
    fs::write(folder.0.join("bytes.toml"), [0xff]).unwrap();
    assert!(load(&folder.0.join("bytes.toml")).message().ends_with("it is not UTF-8"));
}

/// Linux calls `/proc/self/mem` a regular file, and refuses to read its first byte, also for the superuser.
#[test]
fn a_regular_file_whose_read_fails_says_so() {
    if !Path::new("/proc/self/mem").exists() {
        return;
    }
    let folder = Folder::new();
    let link = |name: &str| std::os::unix::fs::symlink("/proc/self/mem", folder.0.join(name)).unwrap();
    ["mem.toml", "mem.json", "mem"].into_iter().for_each(link);
    let is_regular = fs::metadata(folder.0.join("mem")).unwrap().is_file();
    assert!(is_regular && fs::read(folder.0.join("mem")).is_err(), "the kernel does not do that");
    let with = |file: &str| Settings::builder().file(folder.0.join(file)).prefix("");
    let load = |builder: SettingsBuilder| {
        let refused = builder.load().unwrap_err();
        (refused.kind(), refused.message().replace(&format!("{}/", folder.0.display()), ""))
    };
    for name in ["mem.toml", "mem.json"] {
        let (kind, said) = load(with(name));
        assert_eq!(kind, ErrorKind::Io);
        assert!(said.starts_with(&format!("settings file {name}: it cannot be read: ")), "{said}");
    }
    let toml =
        format!("[server]\nname = \"demo\"\nstore_file = {:?}\n", folder.0.join("mem").to_str().unwrap());
    folder.file("app.toml", &toml);
    let (_, said) = load(with("app.toml"));
    assert!(said.starts_with("app.toml, line 3: server.store_file: file mem: it cannot be read: "), "{said}");
    folder.file("app.toml", "[limits]\nmax_calls = 1\n");
    let (kind, said) = load(with("app.toml").dotenv(folder.0.join("mem")));
    assert!(kind == ErrorKind::Io && said.contains("mem: it cannot be read: "), "{said}");
    // A reload fails like this too, and changes nothing.
    let settings = with("app.toml").load().unwrap();
    fs::remove_file(folder.0.join("app.toml")).unwrap();
    link("app.toml");
    let refused = settings.reload().unwrap_err();
    assert!(refused.message().contains("app.toml: it cannot be read: "), "{refused}");
    assert_eq!(get(&settings, "limits.max_calls"), 1);
}

#[test]
fn texts_contain_variables() {
    let folder = Folder::new();
    let toml = "[server]\nname = \"${NAME}-${STAGE:-test}\"\ntitle = \"$${NAME} costs 5$\"\n";
    let settings = folder.settings(toml, "NAME=demo\n").load().unwrap();
    assert_eq!(get(&settings, "server.name"), "demo-test");
    assert_eq!(get(&settings, "server.title"), "${NAME} costs 5$");
    let lists =
        folder.settings("", "TENON_TEST_SERVER__REVISIONS=\"2025-11-25, 2026-07-28\"\n").load().unwrap();
    assert_eq!(get(&lists, "server.revisions"), json!(["2025-11-25", "2026-07-28"]));
    // What is nearly a JSON object is no text, and no error shows it.
    let text = error(&folder, folder.settings("", "TENON_TEST_SERVER__PRINCIPAL={\"subject\": \"ann\"\n"));
    assert!(text.starts_with("the variable TENON_TEST_SERVER__PRINCIPAL"), "{text}");
    assert!(
        text.ends_with("it begins like a JSON object, but is not JSON") && !text.contains("ann"),
        "{text}"
    );
}

#[test]
fn secrets_are_read_from_files_and_never_shown() {
    let folder = Folder::new();
    let secret = folder.file("secret", "memory:\n");
    let toml = format!("[server]\nname = \"demo\"\nstore_file = {:?}\n", secret.to_str().unwrap());
    let settings = folder.settings(&toml, "").load().unwrap();
    assert_eq!(get(&settings, "server.store"), true);
    assert_eq!(get(&settings, "server"), json!({ "name": "demo", "store": true }));
    assert!(settings.source("server.store").unwrap().contains("app.toml, line 3, which names the file "));
    // A variable names a file too, and its secret replaces that of the settings file.
    let wrong = folder.file("wrong", "memori:");
    let named = format!("TENON_TEST_SERVER__STORE_FILE={}\n", wrong.display());
    let text = error(&folder, folder.settings(&toml, &named));
    assert!(text.contains("the variable TENON_TEST_SERVER__STORE_FILE"), "{text}");
    let both = format!("{toml}store = \"memory:\"\n");
    let text = error(&folder, folder.settings(&both, ""));
    assert_eq!(text, "app.toml, line 3: both server.store and server.store_file are set; remove one");
    let text = error(&folder, folder.settings("[server]\nstore_file = \"none\"\n", ""));
    assert_eq!(text, "app.toml, line 2: server.store_file: file none: there is no such file");
    // A section of the program says which of its values are secret.
    let schema = slice(&json!({ "type": "object", "properties": {
        "user": { "type": "string" }, "password": { "type": "string", "format": "password" },
        "nested": { "type": "object", "properties": { "key": { "writeOnly": true } } },
    } }));
    let settings = folder.settings("", "TENON_TEST_DATABASE__PASSWORD=12345\nTENON_TEST_DATABASE__NESTED__KEY=6\nTENON_TEST_DATABASE__USER=ann\n");
    let settings = settings.section("database", &schema).load().unwrap();
    let expected = json!({ "nested": { "key": true }, "password": true, "user": "ann" });
    assert_eq!(get(&settings, "database"), expected);
    assert_eq!(get(&settings, "database.nested.key"), true);
    assert!(!format!("{settings:?}").contains("12345"));
    // No error has a secret.
    let schema = slice(&json!({ "type": "object", "properties": {
        "password": { "type": "string", "writeOnly": true, "minLength": 8 }, "password_file": { "type": "integer" },
    } }));
    let load = |toml: &str| folder.settings(toml, "").section("database", &schema);
    let text = error(&folder, load("[database]\npassword = \"hunter2\""));
    assert_eq!(text, "app.toml, line 2: database.password: value is shorter than 8 characters");
    let text = error(&folder, load("[database]\npassword = 77123"));
    assert!(text.starts_with("app.toml, line 2: database.password: ") && !text.contains("77123"), "{text}");
    // A setting of the program is no file of a secret.
    assert_eq!(get(&load("[database]\npassword_file = 5").load().unwrap(), "database.password_file"), 5);
}

#[test]
fn sections_of_the_program_have_a_schema() {
    let folder = Folder::new();
    let schema = slice(
        &json!({ "type": "object", "properties": { "maxItems": { "type": "integer" } }, "additionalProperties": false }),
    );
    let load = |toml: &str, variables: &str| folder.settings(toml, variables).section("shop", &schema);
    assert_eq!(get(&load("[shop]\nmaxItems = 5", "").load().unwrap(), "shop.maxItems"), 5);
    let settings = load("[shop]\nmaxItems = 5", "TENON_TEST_SHOP__MAXITEMS=6").load().unwrap();
    assert_eq!(get(&settings, "shop.maxItems"), 6);
    assert!(
        error(&folder, load("[shop]\nmaxItems = \"x\"", "")).starts_with("app.toml, line 2: shop.maxItems: ")
    );
    let required = slice(&json!({ "type": "object", "required": ["a"] }));
    assert!(error(&folder, folder.settings("", "").section("shop", &required)).starts_with("shop: "));
    for name in ["server", "Shop", "", "a__b", "1"] {
        assert!(folder.settings("", "").section(name, &schema).load().is_err(), "{name}");
    }
    let twice = folder.settings("", "").section("shop", &schema).section("shop", &schema);
    assert_eq!(error(&folder, twice), "section \"shop\": there is a section of this name");
    let broken = slice(&json!({ "type": 5 }));
    assert!(
        error(&folder, folder.settings("", "").section("shop", &broken)).starts_with("section \"shop\": ")
    );
}

#[test]
fn values_are_set_and_saved() {
    let folder = Folder::new();
    let toml = "# The server.\n[server]\nname = \"demo\" # its name\n\n[limits]\nmax_calls = 1\n";
    let settings = folder.settings(toml, "").load().unwrap();
    settings.set("server.name", &slice(&json!("other"))).unwrap();
    settings.set("serve.http.port", &slice(&json!(0))).unwrap();
    settings.set("limits.max_calls", &slice(&json!(9))).unwrap();
    // A wrong value changes nothing.
    let wrong = settings.set("limits.max_calls", &slice(&json!("x"))).unwrap_err();
    assert_eq!(wrong.message(), "code: limits.max_calls must be an integer from 1, not \"x\"");
    assert_eq!(get(&settings, "limits.max_calls"), 9);
    settings.set("limits.max_calls", &JsonSlice::null()).unwrap();
    assert_eq!(get(&settings, "limits.max_calls"), 1, "the value of the file again");
    settings.set("limits.max_peer_calls", &slice(&json!(7))).unwrap();
    settings.save().unwrap();
    let text = fs::read_to_string(folder.0.join("app.toml")).unwrap();
    let expected = "# The server.\n[server]\nname = \"other\" # its name\n\n[limits]\nmax_calls = 1\nmax_peer_calls = 7\n\n[serve.http]\nport = 0\n";
    assert_eq!(text, expected);
    assert!(folder.0.read_dir().unwrap().count() == 2, "no other file is left");
    settings.set("server.store", &slice(&json!("memory:"))).unwrap();
    assert_eq!(
        settings.save().unwrap_err().message(),
        "server.store is secret, and secrets are not saved; name its file with server.store_file"
    );
    let none = Settings::builder().prefix("").load().unwrap();
    assert_eq!(none.save().unwrap_err().kind(), ErrorKind::State);
}

#[test]
fn bindings_pass_the_sources_as_options() {
    let folder = Folder::new();
    let file = folder.file("app.toml", "[server]\nname = \"demo\"\n");
    let options = json!({
        "file": file.to_str().unwrap(), "prefix": "", "values": { "shop.currency": "EUR", "limits.max_calls": 5 },
        "sections": { "shop": { "type": "object" } },
    });
    let settings = Settings::from_options(&slice(&options), Spelling::Python).unwrap();
    assert_eq!(
        (get(&settings, "shop.currency"), get(&settings, "limits.max_calls")),
        (json!("EUR"), json!(5))
    );
    let builder = Server::builder_with(Some(&settings), None, Some("3")).unwrap();
    assert_eq!(builder.current_limits().max_calls, 5);
    for (options, expected) in [
        (json!({ "fil": "a" }), "settings: there is no option \"fil\"; the nearest name is \"file\""),
        (json!({ "file": 5 }), "settings: file must be a str, not 5"),
        (json!({ "prefix": "", "sections": [] }), "settings: sections must be an object"),
        (json!("app.toml"), "settings: the options must be a dict, not 'app.toml'"),
        (json!([]), "settings: the options must be a dict, not []"),
    ] {
        let error = Settings::from_options(&slice(&options), Spelling::Python).unwrap_err();
        assert!(error.message().starts_with(expected), "{error}");
    }
}

#[test]
fn unknown_keys_are_not_found() {
    let settings = Settings::builder().prefix("").load().unwrap();
    for (key, near) in [
        ("limits.max_call", "limits.max_calls"),
        ("server.nam", "server.name"),
        ("serve.http.prt", "serve.http.port"),
    ] {
        let error = settings.get(key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.message(), format!("there is no setting {key:?}; the nearest name is {near:?}"));
    }
}

#[test]
fn the_schema_and_the_default_file_agree_with_the_tables() {
    let folder = Folder::new();
    let path = folder.0.join("default.toml");
    Settings::write_default(&path).unwrap();
    assert_eq!(Settings::write_default(&path).unwrap_err().kind(), ErrorKind::Io, "it exists");
    let settings = Settings::builder().file(&path).prefix("").load().unwrap();
    assert_eq!(get(&settings, "server.name"), "server");
    let schema = settings.schema().to_value().unwrap();
    assert_eq!(
        schema["properties"]["server"]["properties"]["log_level"]["enum"],
        json!(["debug", "info", "warn", "error"])
    );
    assert_eq!(schema["properties"]["server"]["properties"]["store"]["writeOnly"], true);
    assert_eq!(schema["properties"]["server"]["properties"]["log_level"]["changeable"], true);
    assert_eq!(schema["properties"]["server"]["properties"]["title"]["changeable"], Value::Null);
    assert_eq!(schema["properties"]["limits"]["properties"]["call_timeout"]["changeable"], true);
    let limits = schema["properties"]["limits"]["properties"].as_object().unwrap();
    assert_eq!(limits.len(), tenon_mcp::Limits::TABLE.len());
    let text = fs::read_to_string(&path).unwrap();
    for limit in tenon_mcp::Limits::TABLE {
        assert!(text.contains(&format!("\n# {} = ", limit.name)), "{}", limit.name);
    }
    // Each default of a limit is a value that the file may have.
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(line) if line.split(" = ").next().is_some_and(|name| limits.contains_key(name)) => line,
        _ => line,
    });
    let all = folder.file("all.toml", &lines.collect::<Vec<_>>().join("\n"));
    Settings::builder().file(all).prefix("").load().unwrap();
}
