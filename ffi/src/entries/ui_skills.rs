//! Views and skills, which the library serves without a callback.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json_text;
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use crate::servers::server::tenon_server;
use std::ffi::c_char;
use tenon_mcp::Html;

/// Makes a view: an HTML document that hosts of MCP Apps show in a frame, next to the results of the tools that name it
/// (tenon_tool_set_ui()). `uri` starts with "ui://". A view has no callback. It has the members of a resource except
/// `mime_type` and `size`.
///
/// "ui" of tenon_entry_set() says how the view is shown, as a JSON object:
/// - "csp" has the origins that the view may reach, in "connectDomains", "resourceDomains", "frameDomains" and
///   "baseUriDomains". Each is a list such as ["https://a.example.com"]. Default: none.
/// - "permissions" has the permissions that the view asks for: "camera", "microphone", "geolocation", "clipboardWrite",
///   each {}.
/// - "domain" and "prefersBorder".
///
/// With "hidden" the view is left out of the list of resources.
///
/// On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8. The document is checked when the entry
/// is added. A server does not start if a tool names a view that the server does not have.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_ui_new(
    uri: *const c_char,
    html: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), uri = text(uri), html = text(html) => {
        out.write(tenon_entry::make_view(uri, Html::from(html)));
        Ok(TENON_OK)
    })
}

/// Makes a view from a folder. The view is the folder's index.html with everything embedded that it loads from the
/// folder (scripts, style sheets, images, fonts, media), because a frame has no address to load it from. The folder is
/// read when the entry is added. Nothing outside of the folder is read, and no symbolic link is followed. Scripts with
/// imports of their own must be bundled before.
///
/// In all other respects it is like tenon_ui_new().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_ui_new_from_folder(
    uri: *const c_char,
    folder: *const c_char,
    out: *mut *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), uri = text(uri), folder = text(folder) => {
        out.write(tenon_entry::make_view(uri, Html::folder(folder)));
        Ok(TENON_OK)
    })
}

/// Sets the view in which hosts of MCP Apps show a tool's results, by the view's address. The view may be added later.
/// Other clients see the tool as before. "ui" of tenon_entry_set() can set more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_ui(entry: *mut tenon_entry, uri: *const c_char) -> tenon_status {
    entry!(entry = live_entry(entry), uri = tried_text(uri) => entry.set(|entry| {
        let uri = json_text(uri?);
        entry.change(|entry| entry.set("ui", uri));
        Ok(())
    }))
}

/// Serves a folder of skills (io.modelcontextprotocol/skills). Each folder in it that has a SKILL.md is a skill, with
/// all files in and below it; other folders group skills. May be called for several folders, before the start or after
/// it.
///
/// A SKILL.md begins with front matter: YAML between two lines of ---. Its `name` is the name of the folder, and its
/// `description` says what the skill is for. A skill has at most 512 files and 16 MiB. Symbolic links are refused, and
/// files and folders whose name begins with a dot are left out. The folder is read whenever a client asks. Skills that
/// have become invalid since are left out, and the log gives the reason.
///
/// This function reads files. Fails with TENON_ERR_INVALID if a skill is invalid; the detail says which one and why.
/// Fails with TENON_ERR_DUPLICATE if a skill has the address of one that is served already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_skills(
    server: *mut tenon_server,
    folder: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), folder = text(folder) => {
        server.inner.add_skills(folder)?;
        Ok(TENON_OK)
    })
}
