//! A server on real sockets whose settings are a file, which the test writes again.

use super::door::{ANN, bearer};
use super::served::Served;
use crate::support::client::Reply;
use crate::{envelope, initialize, notification, request};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenon_mcp::{Error, HttpOptions, Server, Settings};

pub struct Reloading {
    folder: PathBuf,
    pub settings: Settings,
    pub served: Served,
}

/// The text of a verifier of bearer keys in a settings file: subjects with their keys, which have all scopes.
pub fn keys(all: &[(&str, &str)]) -> String {
    let rows = all.iter().map(|(subject, value)| {
        format!("{{ subject = \"{subject}\", value = \"{value}\", scopes = [\"read\", \"pay\"] }},\n")
    });
    format!("[[server.auth]]\ntype = \"api_keys\"\nkeys = [\n{}]\n", rows.collect::<String>())
}

/// A new folder in the folder for temporary files.
fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("tenon-auth-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir(&path).unwrap();
    path
}

impl Reloading {
    /// A server of the settings `text`. Before them, the lines 1 and 2 of the file name the server. `files` are further
    /// files in the same folder, of which `.env` has variables. `FOLDER` in the text is the path of that folder.
    pub fn new(text: &str, files: &[(&str, &str)]) -> Reloading {
        let folder = folder();
        let file = folder.join("app.toml");
        files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
        std::fs::write(&file, whole(text, &folder)).unwrap();
        let settings = Settings::builder().file(file).dotenv(folder.join(".env")).prefix("TENON_TEST");
        let settings = settings.load().unwrap();
        let builder = Server::from_settings(&settings).unwrap();
        let served = Served::of(HttpOptions::new("127.0.0.1:0").unwrap(), builder);
        Reloading { folder, settings, served }
    }

    /// Writes one of the files again.
    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// Writes the settings again, and reloads them.
    pub fn reload(&self, text: &str) -> Result<(), Error> {
        self.file("app.toml", &whole(text, &self.folder));
        self.settings.reload()
    }

    /// The text of an error, without the path of the folder.
    pub fn message(&self, error: &Error) -> String {
        error.message().replace(&format!("{}/", self.folder.display()), "")
    }

    /// The status of a call of the tool `work` with a bearer token.
    pub fn status(&self, token: &str) -> u16 {
        let (name, value) = bearer(token);
        self.served.call(&[(name, &value)]).status
    }

    /// The status of a call of the tool `work` with this header.
    pub fn knock(&self, name: &str, value: &str) -> u16 {
        self.served.call(&[(name, value)]).status
    }

    /// The first page of the tools for a bearer token.
    pub fn tools(&self, token: &str) -> Value {
        let (name, value) = bearer(token);
        let headers =
            [("mcp-protocol-version", crate::MODERN), ("mcp-method", "tools/list"), (name, value.as_str())];
        let listed = self.served.client().post(&headers, &request(1, "tools/list", envelope(json!({}))));
        listed.json()["result"].clone()
    }

    /// Opens a session of 2025-11-25 with this key, and returns its id.
    pub fn session(&self, token: &str) -> String {
        let (name, value) = bearer(token);
        let opened = self.served.client().post(&[(name, &value)], &initialize("2025-11-25"));
        let session = opened.header("mcp-session-id").expect("a session").to_owned();
        let initialized = notification("notifications/initialized", json!({}));
        assert_eq!(self.in_session(token, &session, &initialized).status, 202);
        session
    }

    /// A message in a session.
    pub fn in_session(&self, token: &str, session: &str, message: &Value) -> Reply {
        let (name, value) = bearer(token);
        self.served.client().post(&[(name, &value), ("mcp-session-id", session)], message)
    }

    /// Removes the key [`ANN`] from keys that the file had, by a reload.
    pub fn remove_ann(&self, all: &[(&str, &str)]) {
        assert!(all.iter().any(|(_, key)| *key == ANN));
        let rest: Vec<_> = all.iter().copied().filter(|(_, key)| *key != ANN).collect();
        self.reload(&keys(&rest)).unwrap();
        assert_eq!(self.status(ANN), 401);
        assert!(rest.iter().all(|(_, key)| self.status(key) == 200));
    }
}

fn whole(text: &str, folder: &std::path::Path) -> String {
    format!("[server]\nname = \"up\"\n{}", text.replace("FOLDER", folder.to_str().unwrap()))
}

impl Drop for Reloading {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
