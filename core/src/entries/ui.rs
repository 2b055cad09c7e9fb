//! Views: HTML pages in which hosts of MCP Apps show the results of tools.

use crate::dispatch::options::{
    Policies, access_policies, call_policies, common_policies, list_policies, read_policies,
};
use crate::dispatch::registry::entry::Entry;
use crate::error::{Error, ErrorKind};
use crate::host::{Builtin, Fixed, Target};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::server::Server;
#[cfg(feature = "runtime")]
use std::path::PathBuf;
use std::sync::Arc;

/// The media type by which hosts of MCP Apps recognise a view (AP-2).
const MIME_TYPE: &str = "text/html;profile=mcp-app";

/// A view: a resource that hosts of MCP Apps (`io.modelcontextprotocol/ui`) show in a frame of its own, beside the
/// results of the tools that name it ([`Tool::ui`](crate::Tool::ui)). For other clients, nothing changes. Register it
/// with [`Server::ui`].
///
/// By default, a host does not let the view load anything from other origins; [`csp`](Ui::csp) changes that. A string
/// can be used instead of a `Ui` that has only an address.
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
    /// Creates a view at this address, which must start with `ui://`.
    pub fn new(uri: impl AsRef<str>) -> Ui {
        Ui { entry: Entry::new(Kind::Resource, uri), shown: Vec::new() }
    }

    fn options_mut(&mut self) -> &mut Policies {
        self.entry.options_mut()
    }

    fn map(self, change: impl FnOnce(Entry) -> Entry) -> Ui {
        Ui { entry: change(self.entry), ..self }
    }

    fn show(mut self, member: &'static str, value: JsonSlice) -> Ui {
        self.shown.retain(|(name, _)| *name != member);
        self.shown.push((member, value));
        self
    }

    /// Sets the programmatic name. Default: the address.
    pub fn name(self, name: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("name", name))
    }

    /// Sets the name for people (from 2025-06-18 on).
    pub fn title(self, text: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("title", text))
    }

    /// Sets the description: what the view shows.
    pub fn description(self, text: impl AsRef<str>) -> Ui {
        self.map(|entry| entry.set_text("description", text))
    }

    /// Sets the origins that the view may load from or connect to, an object of lists: `connectDomains` (fetch, XHR,
    /// WebSocket), `resourceDomains` (scripts, styles, images, fonts, media), `frameDomains` and `baseUriDomains`. An
    /// origin is for example `https://*.example.com`. Default: none.
    pub fn csp(self, csp: impl Into<JsonSlice>) -> Ui {
        self.show("csp", csp.into())
    }

    /// Sets the browser permissions that the view needs: an object with an empty object for each of `camera`,
    /// `microphone`, `geolocation` and `clipboardWrite`. A host need not grant them.
    pub fn permissions(self, permissions: impl Into<JsonSlice>) -> Ui {
        self.show("permissions", permissions.into())
    }

    /// Sets an origin of its own for the view, in the form that the host documents. Default: the host's choice.
    pub fn domain(self, domain: impl AsRef<str>) -> Ui {
        self.show("domain", JsonSlice::from_value(&domain.as_ref().into()))
    }

    /// Whether the host should draw a border and a background. Default: the host's choice.
    pub fn prefers_border(self, border: bool) -> Ui {
        self.show("prefersBorder", JsonSlice::from_value(&border.into()))
    }

    /// Leaves the view out of the list of resources (AP-5). Hosts find it through the tools that name it.
    pub fn unlisted(self) -> Ui {
        self.hidden(true)
    }

    common_policies!();
    access_policies!();
    call_policies!();
    list_policies!();
    read_policies!();

    /// Sets any member of the resource's definition, by its name in the specification; see [`Entry::set`].
    pub fn set(self, member: &str, value: impl Into<JsonSlice>) -> Ui {
        self.map(|entry| entry.set(member, value.into()))
    }
}

impl<T: AsRef<str>> From<T> for Ui {
    fn from(uri: T) -> Ui {
        Ui::new(uri)
    }
}

/// A resource at a `ui://` address. The entry's member `ui` describes its view.
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

/// The HTML document of a view: a text, or a folder.
#[derive(Clone, Debug)]
pub struct Html(Source);

#[derive(Clone, Debug)]
enum Source {
    Text(String),
    #[cfg(feature = "runtime")]
    Folder(PathBuf),
}

impl Html {
    /// The `index.html` of a folder. All files that it loads from the folder are embedded in it: scripts, style sheets
    /// and their imports, images, fonts, media. The folder is read once, when the view is registered. The files must
    /// be embedded because a host shows the document in a frame that has no address to load them from. Unless
    /// [`csp`](Ui::csp) allows other origins, the frame loads only what is in the document.
    ///
    /// Scripts that import other scripts must be bundled first. Files outside of the folder are not read, and symbolic
    /// links are not followed.
    #[cfg(feature = "runtime")]
    pub fn folder(path: impl Into<PathBuf>) -> Html {
        Html(Source::Folder(path.into()))
    }

    /// The target that serves the document as the view that `entry` declares. The document may have at most `most`
    /// bytes.
    #[doc(hidden)]
    pub fn target(self, entry: &Entry, most: usize) -> Result<Target, Error> {
        let wrong = |kind, what: &str| Error::new(kind, format!("resource {:?}: {what}", entry.name()));
        let invalid = |what: &str| Err(wrong(ErrorKind::Invalid, what));
        // An entry without a name is refused when it is added.
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
    /// Registers a view, see [`Ui`]. Its document is text, or [a folder](Html::folder). The server then declares the
    /// extension `io.modelcontextprotocol/ui` to clients.
    ///
    /// A tool that names the view can be registered before the view. If a tool names a view that does not exist, the
    /// server does not start.
    ///
    /// # Errors
    /// - The address does not start with `ui://`, or is taken.
    /// - The document is empty, or larger than [`Limits::max_result_bytes`](crate::Limits::max_result_bytes).
    /// - A file of the folder cannot be read or embedded.
    pub fn ui(&self, ui: impl Into<Ui>, html: impl Into<Html>) -> Result<(), Error> {
        let entry = Entry::from(ui.into());
        let target = html.into().target(&entry, self.engine().limits().max_result_bytes)?;
        self.add(entry, target)
    }
}
