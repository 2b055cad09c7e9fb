//! Skills that change while they are served.

use crate::support::{Client, Temporary, manifest};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tenon_mcp::{Log, Record, Server};

/// A log that records the engine's messages.
#[derive(Default)]
struct RecordingLog(Mutex<Vec<String>>);

impl Log for RecordingLog {
    fn enabled(&self, _: tenon_mcp::LogLevel, _: &str) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }
}

fn serving(folder: &Temporary) -> (Server, Arc<RecordingLog>) {
    let said = Arc::new(RecordingLog::default());
    let server = Server::builder("skills", "1.0.0").log(said.clone()).build().unwrap();
    server.skills(folder.path()).unwrap();
    (server, said)
}

fn names(client: &Client) -> Vec<String> {
    let listed = client.result("skills/list", json!({}))["skills"].clone();
    listed
        .as_array()
        .unwrap()
        .iter()
        .map(|skill| skill["frontmatter"]["name"].as_str().unwrap().to_owned())
        .collect()
}

fn file(client: &Client, skill: &str, path: &str) -> Option<Value> {
    let got = client.result("skills/get", json!({ "uri": format!("skill://{skill}/SKILL.md") }));
    let uri = format!("skill://{skill}/{path}");
    got["skill"]["resources"].as_array().unwrap().iter().find(|file| file["uri"] == uri).cloned()
}

/// Changes a file but keeps its size and its time of modification, so that only its time of change differs.
fn rewrite(folder: &Temporary, path: &str, text: &str) {
    let file = folder.path().join(path);
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    folder.write(path, text);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
}

#[test]
fn digests_and_sizes_are_those_of_the_files_there_are() {
    let folder = Temporary::new("skills");
    folder.skill("a").write("a/x.txt", "one");
    let (server, _) = serving(&folder);
    let client = Client::new(&server);
    let mut seen = vec![file(&client, "a", "x.txt").unwrap()];
    assert_eq!(seen[0]["size"], 3);
    // The same size, and again within the same moment.
    for text in ["two", "six", "ten"] {
        rewrite(&folder, "a/x.txt", text);
        let now = file(&client, "a", "x.txt").unwrap();
        assert!(!seen.contains(&now), "{text}");
        seen.push(now);
        let read = client.result("resources/read", json!({ "uri": "skill://a/x.txt" }));
        assert_eq!(read["contents"][0]["text"], text);
    }
    folder.write("a/x.txt", "longer");
    assert_eq!(file(&client, "a", "x.txt").unwrap()["size"], 6);
    folder.write("a/new/y.txt", "y");
    assert_eq!(file(&client, "a", "new/y.txt").unwrap()["size"], 1);
    let folders = client.result("resources/directory/read", json!({ "uri": "skill://a" }));
    assert_eq!(folders["resources"].as_array().unwrap().len(), 3);
    std::fs::remove_dir_all(folder.path().join("a/new")).unwrap();
    assert_eq!(file(&client, "a", "new/y.txt"), None);
    assert_eq!(client.error("resources/read", json!({ "uri": "skill://a/new/y.txt" }))["code"], -32602);
    assert_eq!(client.error("resources/directory/read", json!({ "uri": "skill://a/new" }))["code"], -32602);
}

/// The replaced file is noticed with any timestamps.
#[test]
fn another_file_in_the_place_of_one_is_seen() {
    let folder = Temporary::new("skills");
    folder.skill("a").write("a/x.txt", "one");
    let (server, _) = serving(&folder);
    let client = Client::new(&server);
    let first = file(&client, "a", "x.txt").unwrap();
    assert_eq!(file(&client, "a", "x.txt").unwrap(), first);
    folder.write("a/.next", "two");
    let next = folder.path().join("a/.next");
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    std::fs::File::options().write(true).open(&next).unwrap().set_modified(long_ago).unwrap();
    std::fs::rename(next, folder.path().join("a/x.txt")).unwrap();
    assert_ne!(file(&client, "a", "x.txt").unwrap(), first);
}

#[test]
fn skills_come_and_go_and_legacy_clients_are_told() {
    let folder = Temporary::new("skills");
    folder.skill("a");
    let (server, _) = serving(&folder);
    let client = Client::of(&server, "2025-11-25", json!({}));
    assert_eq!(names(&client), ["a"]);
    let told = || {
        // The notice is due a moment later, by the engine's clock.
        server.engine().handle_timeout(server.engine().now() + Duration::from_secs(1));
        assert_eq!(client.result("ping", json!({})), json!({}));
        std::mem::take(&mut *client.told.lock().unwrap())
    };
    told();
    assert_eq!(told(), Vec::<Value>::new());
    assert_eq!(names(&client), ["a"]);
    assert_eq!(told(), Vec::<Value>::new(), "nothing has changed");
    folder.skill("b");
    assert_eq!(names(&client), ["a", "b"]);
    let notice = json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed" });
    assert_eq!(told(), std::slice::from_ref(&notice));
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    assert_eq!(names(&client), ["b"]);
    assert_eq!(told(), std::slice::from_ref(&notice));
    // All of it: the server goes on.
    std::fs::rename(folder.path(), folder.path().with_extension("away")).unwrap();
    assert_eq!(names(&client), Vec::<String>::new());
    assert_eq!(client.result("resources/list", json!({}))["resources"], json!([]));
    std::fs::rename(folder.path().with_extension("away"), folder.path()).unwrap();
    assert_eq!(names(&client), ["b"]);
}

#[test]
fn what_has_come_to_be_wrong_is_left_out_and_the_log_says_why() {
    let folder = Temporary::new("skills");
    folder.skill("a").skill("b");
    let (server, said) = serving(&folder);
    let client = Client::new(&server);
    assert_eq!(names(&client), ["a", "b"]);
    let said = || std::mem::take(&mut *said.0.lock().unwrap());
    assert_eq!(said(), Vec::<String>::new());
    for (path, text, wanted) in [
        ("b/SKILL.md", manifest("other", "x"), "its name is \"other\""),
        ("b/SKILL.md", "nothing".to_owned(), "must begin with front matter"),
    ] {
        folder.write(path, text);
        assert_eq!(names(&client), ["a"]);
        let said = said();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(wanted), "{said:?}");
        assert_eq!(names(&client), ["a"]);
    }
    assert_eq!(said(), Vec::<String>::new(), "once");
    assert_eq!(client.error("skills/get", json!({ "uri": "skill://b/SKILL.md" }))["code"], -32602);
    folder.skill("b");
    assert_eq!(names(&client), ["a", "b"]);

    // A file that becomes a link leads nowhere.
    let outside = Temporary::new("outside");
    outside.write("secret", "secret");
    folder.write("b/x.txt", "x");
    assert_eq!(names(&client), ["a", "b"]);
    said();
    std::fs::remove_file(folder.path().join("b/x.txt")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("b/x.txt")).unwrap();
    assert_eq!(client.error("resources/read", json!({ "uri": "skill://b/x.txt" }))["code"], -32602);
    assert_eq!(names(&client), ["a"]);
    assert!(said()[0].contains("symbolic link"));
}

/// A file that is written all the time. Each response was correct at some moment, and each size fits its digest.
#[test]
fn a_file_that_is_changed_while_it_is_listed() {
    use sha2::{Digest, Sha256};
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = Temporary::new("skills");
    let texts: Vec<String> = (0..8).map(|number| "x".repeat(1000 * number)).collect();
    folder.skill("a").write("a/x.txt", &texts[0]);
    let (server, _) = serving(&folder);
    let client = Client::new(&server);
    let known: Vec<(String, usize)> = texts
        .iter()
        .map(|text| {
            let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            (format!("sha256:{hex}"), text.len())
        })
        .collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                number = (number + 1) % texts.len();
                // As editors do: the new file takes the place of the old one.
                folder.write(".next", &texts[number]);
                std::fs::rename(folder.path().join(".next"), folder.path().join("a/x.txt")).unwrap();
            }
        });
        for _ in 0..200 {
            let file = file(&client, "a", "x.txt").unwrap();
            let pair = (file["digest"].as_str().unwrap().to_owned(), file["size"].as_u64().unwrap() as usize);
            assert!(known.contains(&pair), "{pair:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
}
