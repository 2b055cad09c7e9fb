//! Settings from files, variables of the environment and code.

use crate::abi::args::{Out, write_text};
use crate::abi::error::{c_string, tenon_error};
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use crate::servers::state::server_state::ServerState;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use tenon_mcp::{Settings, Spelling};

/// The settings of a program, from a file, from variables of the environment, and from code. They have the sections
/// "server" and "limits" for a server, "serve" for its transports, and those of the program. docs/settings-files.md has
/// the rules. A setting has a dotted key, such as "limits.max_calls". Times are in seconds, as in the file.
///
/// Load settings with tenon_settings_load(), use them for servers with tenon_server_set_settings(), and free them with
/// tenon_settings_free(). Any thread may use them, also several threads at once. They can be used after fork() if no
/// other thread used them at that moment.
///
/// A text that tenon_settings_get(), tenon_settings_source() or tenon_settings_schema() returns lives until the same
/// thread calls the same function again, with any handle, or ends. Copy it if it is needed for longer.
pub struct tenon_settings(Settings);

thread_local! {
    /// The last text that each function has lent to this thread. So what a program can hold is bounded.
    static LENT: RefCell<[CString; 3]> = RefCell::default();
}

/// The places of [`LENT`], by the functions that use them.
const VALUE: usize = 0;
const SOURCE: usize = 1;
const SCHEMA: usize = 2;

/// Lends a text to the program, followed by a NUL.
fn lend(place: usize, text: &str, ptr: Out<'_, *const c_char>, len: Option<Out<'_, usize>>) {
    LENT.with_borrow_mut(|lent| {
        lent[place] = c_string(text);
        // The address of the text stays the same until it is replaced.
        write_text(lent[place].as_bytes(), ptr, len);
    });
}

impl tenon_settings {
    fn give(settings: Settings) -> *mut tenon_settings {
        Tagged::give(tenon_settings(settings))
    }
}

/// Reads settings. `options` is `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. Its members name
/// the sources, and none of them is needed:
///
/// - "file": the path of the settings file, which ends with ".toml" or ".json".
/// - "dotenv": the path of a file with lines NAME=VALUE, which are further variables. Variables of the process count
///   more.
/// - "prefix": the beginning of the names of variables that are settings. After it come "_", the section, "__" and the
///   setting, in capitals. Default: "TENON". If it is empty, variables are no source of settings.
/// - "sections": the sections of the program, an object with a JSON Schema for each name.
/// - "values": an object with values of code by their dotted keys. They replace those of all other sources.
///
/// On success `*out` is the settings, which the program frees. This function, tenon_settings_set() and
/// tenon_settings_reload() read files and the environment, so no other thread may change the environment (setenv())
/// meanwhile.
///
/// Fails with TENON_ERR_JSON if the text is not JSON. Fails with TENON_ERR_INVALID if a name or a value is wrong; the
/// message has the line of the file or the name of the variable. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_IO if a
/// file cannot be read.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_load(
    options: *const c_char,
    len: usize,
    out: *mut *mut tenon_settings,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), options = tried_slice(options, len) => {
        let options = json(options?, "options")?;
        out.write(tenon_settings::give(Settings::from_options(&options, Spelling::C)?));
        Ok(TENON_OK)
    })
}

/// The value of a setting, by its dotted key: JSON text, NUL-terminated. It is "null" if the setting is not set. A limit
/// always has a value. A secret that is set is "true". The key of a section gives all values that the section has. The
/// text is borrowed: it lives until this thread calls the function again. `len` may be NULL.
///
/// Fails with TENON_ERR_NOT_FOUND if there is no such setting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_get(
    settings: *const tenon_settings,
    key: *const c_char,
    value: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(value = out(value), len = optional_out(len), settings = object(settings), key = text(key) => {
        let found = settings.0.get(key)?;
        lend(VALUE, found.as_ref().map_or("null", |found| found.as_str()), value, len);
        Ok(TENON_OK)
    })
}

/// Where the value of a setting comes from: a line of a file, a variable, or "code". The text is NUL-terminated and
/// borrowed: it lives until this thread calls the function again. `len` may be NULL.
///
/// Fails with TENON_ERR_NOT_FOUND if no source has the setting, also if it has a default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_source(
    settings: *const tenon_settings,
    key: *const c_char,
    source: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(source = out(source), len = optional_out(len), settings = object(settings), key = text(key) => {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("no source of settings has {key:?}"));
        lend(SOURCE, &settings.0.source(key).ok_or_else(none)?, source, len);
        Ok(TENON_OK)
    })
}

/// Sets a value in code, by its dotted key. It replaces the values of all other sources. `value` is `len` bytes of JSON
/// text, or up to the first NUL with TENON_NUL. "null" removes the value of code again.
/// Servers keep their settings until tenon_settings_reload().
///
/// Fails with TENON_ERR_JSON if the text is not JSON, and otherwise like tenon_settings_load(). Nothing changes then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_set(
    settings: *mut tenon_settings,
    key: *const c_char,
    value: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; settings = object(settings), key = text(key), value = tried_slice(value, len) => {
        settings.0.set(key, &json(value?, key)?)?;
        Ok(TENON_OK)
    })
}

/// Writes the values that tenon_settings_set() has set into the file. Everything else in the file stays as it is, with
/// its comments. The file is replaced as a whole.
///
/// Fails with TENON_ERR_STATE if the settings have no file, and with TENON_ERR_INVALID if a secret was set, because
/// secrets are not written. Fails with TENON_ERR_IO if the file cannot be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_save(
    settings: *mut tenon_settings,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; settings = object(settings) => {
        settings.0.save()?;
        Ok(TENON_OK)
    })
}

/// Reads all sources again, and applies them to the servers that were started with these settings: all changes at once.
/// Values of code stay. The settings that can change while a server runs are marked in docs/settings.md and docs/limits.md.
/// Servers that have been freed are left out, unless they are mounted in others.
///
/// Fails like tenon_settings_load(). Fails with TENON_ERR_STATE if a setting differs that a server cannot change; the
/// message names it. Nothing changes then, neither here nor in any server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_reload(
    settings: *mut tenon_settings,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; settings = object(settings) => {
        settings.0.reload()?;
        Ok(TENON_OK)
    })
}

/// The JSON Schema of the settings file, with the sections of the program: JSON text, NUL-terminated. It is borrowed: it
/// lives until this thread calls the function again. `len` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_schema(
    settings: *const tenon_settings,
    schema: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(schema = out(schema), len = optional_out(len), settings = object(settings) => {
        lend(SCHEMA, settings.0.schema().as_str(), schema, len);
        Ok(TENON_OK)
    })
}

/// Writes a TOML file that has every setting as a comment, with its description. An existing file is not replaced.
///
/// Fails with TENON_ERR_IO if the file exists or cannot be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_write_default(
    path: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; path = text(path) => {
        Settings::write_default(path)?;
        Ok(TENON_OK)
    })
}

/// Frees settings. NULL is ignored. A server that uses them keeps them. No other thread may use the handle meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_settings_free(settings: *mut tenon_settings) {
    value!((); settings = owned(settings) => drop(settings));
}

/// Gives settings to a server: its section "server", its limits, and the transports of the section "serve". The program
/// keeps its handle and may free it at any time, because the server has its own reference. The last settings that were
/// given count.
///
/// What the program sets itself replaces the settings, before or after this call. This includes the name and the version
/// that were given to tenon_server_new(), members, limits and stores. The transports of the section "serve" are served if
/// no tenon_server_listen_ function was called; tenon_server_exchange() does not start them. Options that they do not
/// have are those of the tenon_server_allow_ functions and tenon_server_set_unix_mode().
///
/// The server reads the values when it is started or mounted. Later changes do not affect it.
///
/// Fails with TENON_ERR_INVALID if neither tenon_server_new() nor the settings have a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_settings(
    server: *mut tenon_server,
    settings: *const tenon_settings,
) -> tenon_status {
    entry!(server = object(server), settings = object(settings) => {
        server.inner.set(|config| config.set_settings(settings.0.clone()))
    })
}

/// The settings that the server has been given. It is a new handle of the same settings, which the program frees. NULL
/// if the server has none, and for NULL. Callbacks can use it.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_settings(server: *const tenon_server) -> *mut tenon_settings {
    let none = std::ptr::null_mut();
    value!(none; server = maybe(server) => {
        let settings = server.map(|server| server.inner.settings()).transpose()?.flatten();
        settings.map_or(none, tenon_settings::give)
    })
}

impl ServerState {
    fn settings(&self) -> Result<Option<Settings>> {
        self.check_fork()?;
        Ok(self.config.lock().settings.clone())
    }
}
