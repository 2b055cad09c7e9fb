//! Views: what hosts of MCP Apps show of a tool's results.

use crate::dispatch::registry::entry::Entry;
use crate::error::{Error, ErrorKind};
use crate::host::{Builtin, Fixed, Target};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::kind::Kind;
use crate::server::Server;
#[cfg(feature = "runtime")]
use std::path::PathBuf;
use std::sync::Arc;

/// What a host of MCP Apps must be told that it is given (AP-2).
const MIME_TYPE: &str = "text/html;profile=mcp-app";

/// A view as a program declares it: a resource that hosts of MCP Apps (`io.modelcontextprotocol/ui`) show in a frame of its
/// own, beside the results of the tools that name it ([`Tool::ui`](crate::Tool::ui)). Other clients see the tools as ever.
///
/// Unless [`csp`](Ui::csp) says otherwise a host lets it load nothing from anywhere. An address does as well.
///
/// ```
/// use tenon_mcp::{Server, Tool, Ui, json};
/// let server = Server::new("demo", "1.0.0");
/// server.ui(
///     Ui::new("ui://clock").title("Clock").csp(json!({ "connectDomains": ["https://time.example.com"] })),
///     "<!doctype html><title>Clock</title><p id=now></p>",
/// )?;
/// server.tool(Tool::new("now").ui("ui://clock"), || async { "12:00" })?;
/// # Ok::<(), tenon_mcp::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ui {
    entry: Entry,
    shown: Vec<(&'static str, JsonSlice)>,
}

impl Ui {
    /// A view at this address, which starts with `ui://`.
    pub fn new(uri: impl AsRef<str>) -> Ui {
        Ui { entry: Entry::new(Kind::Resource, uri), shown: Vec::new() }
    }

    fn map(self, change: impl FnOnce(Entry) -> Entry) -> Ui {
        Ui { entry: change(self.entry), ..self }
    }

    fn show(mut self, member: &'static str, value: JsonSlice) -> Ui {
        self.shown.retain(|(name, _)| *name != member);
        self.shown.push((member, value));
        self
    }

    /// Its programmatic name. Default: its address.
    pub fn name(self, name: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("name", name))
    }

    /// Its name for people (from 2025-06-18 on).
    pub fn title(self, text: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("title", text))
    }

    /// What it shows.
    pub fn description(self, text: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("description", text))
    }

    /// The origins it may reach, an object of lists: `connectDomains` (fetch, XHR, WebSocket), `resourceDomains` (scripts,
    /// styles, images, fonts, media), `frameDomains`, `baseUriDomains`; each such as `https://*.example.com`. Default: none.
    pub fn csp(self, csp: impl Into<JsonSlice>) -> Ui {
        self.show("csp", csp.into())
    }

    /// What it asks the browser for, an object with an empty object for each: `camera`, `microphone`, `geolocation`,
    /// `clipboardWrite`. A host need not grant it.
    pub fn permissions(self, permissions: impl Into<JsonSlice>) -> Ui {
        self.show("permissions", permissions.into())
    }

    /// An origin of its own, in the form that the host documents. Default: the host's choice.
    pub fn domain(self, domain: impl AsRef<str>) -> Ui {
        self.show("domain", JsonSlice::from_value(&domain.as_ref().into()))
    }

    /// Whether the host should draw a border and a background. Default: the host's choice.
    pub fn prefers_border(self, border: bool) -> Ui {
        self.show("prefersBorder", JsonSlice::from_value(&border.into()))
    }

    /// Leaves it out of the list of resources (AP-5); hosts find it by the tools that name it.
    pub fn unlisted(self) -> Ui {
        self.map(Entry::hidden)
    }

    /// How long and by whom it may be kept (from 2026-07-28 on). Default: the server's.
    pub fn cache(self, hints: CacheHints) -> Ui {
        self.map(|entry| entry.cache(hints))
    }

    /// Sets any member of the resource's definition by its name in the specification; see [`Entry::set`].
    pub fn set(self, member: &str, value: impl Into<JsonSlice>) -> Ui {
        self.map(|entry| entry.set(member, value.into()))
    }
}

impl<T: AsRef<str>> From<T> for Ui {
    fn from(uri: T) -> Ui {
        Ui::new(uri)
    }
}

/// A resource at a `ui://` address, with what is said of its view in its member `ui`.
impl From<Entry> for Ui {
    fn from(entry: Entry) -> Ui {
        Ui { entry, shown: Vec::new() }
    }
}

impl From<Ui> for Entry {
    fn from(ui: Ui) -> Entry {
        let mut shown = JsonWriter::new();
        shown.begin_object();
        for (name, value) in &ui.shown {
            shown.key(name).slice(value);
        }
        shown.end_object();
        let entry = ui.entry.set_text("mimeType", MIME_TYPE);
        if ui.shown.is_empty() { entry } else { entry.set("ui", shown.into_slice()) }
    }
}

/// The document of a view: text, or a folder.
#[derive(Clone, Debug)]
pub struct Html(Source);

#[derive(Clone, Debug)]
enum Source {
    Text(String),
    #[cfg(feature = "runtime")]
    Folder(PathBuf),
}

impl Html {
    /// The `index.html` of a folder, with everything put inside that it loads from the folder: scripts, style sheets and what
    /// those import, images, fonts, media. It is read once, when the view is registered. A host gives the document to a frame
    /// that has no address to load the rest from, and where nothing is said of origins, what stands in the document is all
    /// that it lets in.
    ///
    /// Scripts with imports of their own have to be bundled before. Nothing outside of the folder is read, and no symbolic link
    /// followed.
    #[cfg(feature = "runtime")]
    pub fn folder(path: impl Into<PathBuf>) -> Html {
        Html(Source::Folder(path.into()))
    }

    /// What serves the document as the view that `entry` declares; it may have `most` bytes.
    #[doc(hidden)]
    pub fn target(self, entry: &Entry, most: usize) -> Result<Target, Error> {
        let wrong = |kind, what: &str| Error::new(kind, format!("resource {:?}: {what}", entry.name()));
        let invalid = |what: &str| Err(wrong(ErrorKind::Invalid, what));
        // Without a name it is none, which adding it tells.
        if !entry.name().is_empty() && !entry.name().starts_with("ui://") {
            return invalid("a view needs a URI that starts with ui://");
        }
        let text = match self.0 {
            Source::Text(text) => text,
            #[cfg(feature = "runtime")]
            Source::Folder(path) => {
                crate::runtime::view(path, most).map_err(|error| wrong(error.kind(), error.message()))?
            }
        };
        if text.trim().is_empty() {
            return invalid("the HTML of a view is empty");
        }
        if text.len() > most {
            let size = text.len();
            return invalid(&format!("the HTML of a view has {size} bytes; max_result_bytes is {most}"));
        }
        let aside: Arc<dyn Builtin> = Arc::new(Fixed(text));
        Ok(Target::Builtin(aside))
    }
}

impl<T: AsRef<str>> From<T> for Html {
    fn from(text: T) -> Html {
        Html(Source::Text(text.as_ref().to_owned()))
    }
}

impl Server {
    /// Registers a view, see [`Ui`]: its document is text, or [a folder](Html::folder). The server then tells clients of the
    /// extension `io.modelcontextprotocol/ui`.
    ///
    /// A tool may name it before it is registered; a server does not start while a tool names a view that is not there.
    pub fn ui(&self, ui: impl Into<Ui>, html: impl Into<Html>) -> Result<(), Error> {
        let entry = Entry::from(ui.into());
        let target = html.into().target(&entry, self.engine().limits().max_result_bytes)?;
        self.add(entry, target)
    }
}
