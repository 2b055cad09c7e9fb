//! One call through the C ABI, from its text to the bytes of its response: the library's own functions, without a transport.

use crate::channel::{LastMessage, text};
use crate::path::{self, Expected, Path};
use bytes::Bytes;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use tenon_mcp::transport::{Engine, Peer, Sink};

/// Handles, of which C sees the addresses alone.
#[repr(C)]
struct Opaque([u8; 0]);

type Handler = extern "C" fn(*mut c_void, *mut Opaque);
type Destroy = extern "C" fn(*mut c_void);

// As include/tenon.h declares them.
unsafe extern "C" {
    fn tenon_server_new(
        name: *const c_char,
        version: *const c_char,
        out: *mut *mut Opaque,
        err: *mut *mut Opaque,
    ) -> c_int;
    fn tenon_tool_new(name: *const c_char, out: *mut *mut Opaque, err: *mut *mut Opaque) -> c_int;
    fn tenon_tool_set_input_schema(tool: *mut Opaque, schema: *const c_char) -> c_int;
    fn tenon_entry_set_mode(entry: *mut Opaque, mode: c_int) -> c_int;
    fn tenon_entry_set_handler(
        entry: *mut Opaque,
        handler: Handler,
        user_data: *mut c_void,
        destroy: Option<Destroy>,
    ) -> c_int;
    fn tenon_server_add(server: *mut Opaque, entry: *mut Opaque, err: *mut *mut Opaque) -> c_int;
    fn tenon_server_listen_descriptors(
        server: *mut Opaque,
        input: c_int,
        output: c_int,
        err: *mut *mut Opaque,
    ) -> c_int;
    fn tenon_server_start(server: *mut Opaque, err: *mut *mut Opaque) -> c_int;
    fn tenon_server_poll(server: *mut Opaque, max: u32, timeout_ms: i32, handled: *mut u32) -> c_int;
    fn tenon_server_free(server: *mut Opaque) -> c_int;
    fn tenon_call_arg_string(
        call: *mut Opaque,
        name: *const c_char,
        out: *mut *const c_char,
        len: *mut usize,
    ) -> c_int;
    fn tenon_call_return_text(call: *mut Opaque, text: *const c_char, len: usize) -> c_int;
}

const MODE_POLL: c_int = 1;
const MODE_INLINE: c_int = 2;

/// Returns an argument.
extern "C" fn forecast(_: *mut c_void, call: *mut Opaque) {
    let (mut city, mut length) = (std::ptr::null(), 0);
    // SAFETY: the call is the library's for the time of the callback, the name ends with NUL, both places are writable.
    let found = unsafe { tenon_call_arg_string(call, c"city".as_ptr(), &mut city, &mut length) };
    assert_eq!(found, 0, "the call has the argument");
    // SAFETY: the text is the call's, and as long as it says.
    let returned = unsafe { tenon_call_return_text(call, city, length) };
    assert_eq!(returned, 0, "the call takes its result");
}

pub struct Call {
    server: *mut Opaque,
    /// Nobody speaks on it; a server has to have a transport.
    _input: std::io::PipeWriter,
    engine: Engine,
    peer: Arc<Peer>,
    kept: Arc<LastMessage>,
    sink: Arc<dyn Sink>,
    call: Bytes,
    polled: bool,
    expected: Expected,
}

impl Call {
    /// The callback runs where the call was received.
    pub fn inline() -> Call {
        Call::new(MODE_INLINE)
    }

    /// The callback waits in its lane until the program polls.
    pub fn polled() -> Call {
        Call::new(MODE_POLL)
    }

    fn new(mode: c_int) -> Call {
        use std::os::fd::AsRawFd;
        let (reader, input) = std::io::pipe().expect("a pipe");
        let output = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null");
        let schema = std::ffi::CString::new(path::plain_schema().to_string()).expect("no NUL");
        let (mut server, mut tool) = (null_mut(), null_mut());
        // SAFETY: all texts end with NUL, all places are writable or NULL where the header allows it, the handles are those
        // that the library has just made, and the descriptors are open until the library has duplicated them.
        let started = unsafe {
            [
                tenon_server_new(c"count".as_ptr(), c"1.0.0".as_ptr(), &mut server, null_mut()),
                tenon_tool_new(c"forecast".as_ptr(), &mut tool, null_mut()),
                tenon_tool_set_input_schema(tool, schema.as_ptr()),
                tenon_entry_set_mode(tool, mode),
                tenon_entry_set_handler(tool, forecast, null_mut(), None),
                tenon_server_add(server, tool, null_mut()),
                tenon_server_listen_descriptors(server, reader.as_raw_fd(), output.as_raw_fd(), null_mut()),
                tenon_server_start(server, null_mut()),
            ]
        };
        assert_eq!(started, [0; 8], "the server starts");
        // SAFETY: the server was made above, and is freed when this is dropped.
        let engine = unsafe { tenon_counted_c::engine::engine(server.cast()) }.expect("a started server");
        let kept = Arc::new(LastMessage::default());
        let call = Call {
            server,
            _input: input,
            engine,
            peer: Peer::new(None),
            sink: kept.clone(),
            kept,
            call: text(&path::call(false)),
            polled: mode == MODE_POLL,
            expected: Expected::default(),
        };
        call.receive(text(&path::initialize()));
        call.kept.take();
        call.receive(text(&path::initialized()));
        call
    }

    fn receive(&self, text: Bytes) {
        self.engine.receive(&self.peer, &self.sink, text);
    }
}

impl Path for Call {
    fn work(&mut self) {
        self.receive(self.call.clone());
        if self.polled {
            let mut handled = 0;
            // SAFETY: the server lives, and the place is writable.
            let polled = unsafe { tenon_server_poll(self.server, 1, 0, &mut handled) };
            assert_eq!((polled, handled), (0, 1), "the call is polled");
        }
    }

    fn finish(&mut self) {
        let city = &path::arguments()["city"];
        self.expected.check(&self.kept.take(), |result| result["content"][0]["text"] == *city);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: made in `new`, freed once, and used by nobody any more.
        unsafe { tenon_server_free(self.server) };
    }
}
