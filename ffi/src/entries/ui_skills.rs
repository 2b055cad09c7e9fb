//! Views and skills: what the library serves of itself.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json_text;
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use crate::servers::server::tenon_server;
use std::ffi::c_char;
use tenon_mcp::Html;

/// Makes a view: an HTML document that hosts of MCP Apps show in a frame of its own, beside the results of the tools that name
/// it (tenon_tool_set_ui()). `uri` starts with "ui://". It has no callback, and the members of a resource but for `mime_type`
/// and `size`.
///
/// tenon_entry_set() with "ui" says how it is shown, a JSON object: "csp" with the origins it may reach ("connectDomains",
/// "resourceDomains", "frameDomains", "baseUriDomains", lists such as ["https://a.example.com"]; default: none), "permissions"
/// it asks for ("camera", "microphone", "geolocation", "clipboardWrite", each {}), "domain", "prefersBorder". With "hidden" it
/// is left out of the list of resources.
///
/// On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8; what is wrong with the document is told when
/// the entry is added. A server does not start while a tool names a view that it does not have.
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

/// Makes a view of a folder: of its index.html, with everything put inside that it loads from the folder (scripts, style sheets,
/// images, fonts, media), since a frame has no address to load it from. The folder is read when the entry is added; nothing
/// outside of it is read, and no symbolic link followed. Scripts with imports of their own have to be bundled before.
///
/// In everything else it is like tenon_ui_new().
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

/// Names the view that hosts of MCP Apps show a tool's results in, by its address; it may be added later. Other clients see the
/// tool as ever. tenon_entry_set() with "ui" says more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_ui(entry: *mut tenon_entry, uri: *const c_char) -> tenon_status {
    entry!(entry = live_entry(entry), uri = tried_text(uri) => entry.set(|entry| {
        let uri = json_text(uri?);
        entry.change(|entry| entry.set("ui", uri));
        Ok(())
    }))
}

/// Serves a folder of skills (io.modelcontextprotocol/skills): each folder in it that has a SKILL.md is a skill, with all files
/// in and below it; other folders group skills. May be called for several folders, before the start or after it.
///
/// A SKILL.md begins with front matter: YAML between two lines of ---, in which `name` is that of its folder and `description`
/// says what the skill is for. A skill has at most 512 files and 16 MiB; symbolic links are refused, and what begins with a dot is
/// left out. The folder is looked at whenever a client asks; what has come to be wrong since is left out, and the log says why.
///
/// Reads files. Fails with TENON_ERR_INVALID, whose detail says which skill is not in order and why, and with
/// TENON_ERR_DUPLICATE if a skill has the address of one that is served already.
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
