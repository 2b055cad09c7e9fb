//! The roles of the child processes.

use crate::shared;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::{
    Context, ErrorKind, HttpOptions, JsonSlice, Limits, Log, Record, ServeOptions, Server, Settings, Tool,
    handler,
};

pub const WAIT_LIMIT: Duration = Duration::from_secs(30);

pub fn run(role: &str) -> ExitCode {
    // A shell makes the jobs in its background ignore these, and they their children.
    [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP].into_iter().for_each(default_action);
    match role {
        "serve" => return server().run(ServeOptions::new().stdio()).unwrap(),
        "serve-settings" => {
            serve_settings();
            eprintln!("ended");
            loop {
                std::thread::park();
            }
        }
        "serve-settings-with-a-handler" => {
            let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGHUP]).unwrap();
            std::thread::spawn(move || signals.forever().for_each(|_| eprintln!("handled")));
            serve_settings();
        }
        "serve-for-long" => {
            let mut limits = Limits::default();
            limits.drain_timeout = Duration::from_secs(600);
            limits.stdio_drain_timeout = limits.drain_timeout;
            return with_tools(Server::builder("child", "1").limits(limits).build().unwrap())
                .run(ServeOptions::new().stdio())
                .unwrap();
        }
        "fail-to-run" => {
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = taken.local_addr().unwrap().to_string();
            let http = ServeOptions::new().http(HttpOptions::new(&address).unwrap());
            server().run(http).unwrap_err();
            println!("ready");
            loop {
                std::thread::park();
            }
        }
        "serve-without-sigpipe-ignored" => {
            default_action(Signal::SIGPIPE);
            return server().run(ServeOptions::new().stdio()).unwrap();
        }
        "serve-as-other-languages" => {
            // Not std's, which tell of a stack that has run out.
            [Signal::SIGSEGV, Signal::SIGBUS].into_iter().for_each(default_action);
            without_core_dumps();
            return server().run(ServeOptions::new().stdio()).unwrap();
        }
        "serve-then-print" => {
            server().run(ServeOptions::new().stdio()).unwrap();
            println!("after");
            eprintln!("after");
        }
        "serve-while-printing" => serve_while_printing(),
        "serve-then-stay" => {
            server().run(ServeOptions::new().stdio()).unwrap();
            println!("ended");
            loop {
                std::thread::park();
            }
        }
        "serve-without-relay" => {
            let mut limits = Limits::default();
            limits.max_stderr_bytes = 0;
            let before = std::fs::read_link("/proc/self/fd/2").unwrap();
            let server = with_tools(Server::builder("child", "1").limits(limits).build().unwrap());
            let running = server.start(ServeOptions::new().stdio()).unwrap();
            assert_eq!(std::fs::read_link("/proc/self/fd/2").unwrap(), before);
            running.close();
            running.wait();
        }
        "parent" => parent("serve"),
        "parent-of-descriptors" => parent("serve-descriptors"),
        "serve-descriptors" => serve_descriptors(),
        "masks" => masks(),
        "actions" => actions(),
        "threads-of-many" => shared::threads_of_many(),
        "port-of-a-fork" => shared::port_of_a_fork(),
        "start-of-threads" => shared::start_of_threads(),
        "port-in-use" => port_in_use(),
        "no-descriptors-left" => no_descriptors_left(),
        "no-threads-left" => shared::no_threads_left(),
        "threads-refused-meanwhile" => shared::threads_refused_meanwhile(),
        "outgoing-requests-of-a-fork" => shared::outgoing_requests_of_a_fork(),
        "fork-of-the-same-number" => shared::fork_of_the_same_number(),
        other => panic!("no role {other}"),
    }
    ExitCode::SUCCESS
}

/// Another thread prints a line every millisecond, until a while after the end of the server.
fn serve_while_printing() {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let lines_left = left.clone();
    let printer = std::thread::spawn(move || {
        for line in 0.. {
            std::io::stderr().write_all(format!("{line:06} {}\n", "y".repeat(1016)).as_bytes()).unwrap();
            if lines_left.fetch_sub(1, Ordering::SeqCst) == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut limits = Limits::default();
    limits.max_stderr_bytes = 64 << 20;
    let server = with_tools(Server::builder("child", "1").limits(limits).build().unwrap());
    server.run(ServeOptions::new().stdio()).unwrap();
    left.store(20, Ordering::SeqCst);
    printer.join().unwrap();
}

/// A log on standard error.
struct ErrorLog;

impl Log for ErrorLog {
    fn log(&self, record: &Record<'_>) {
        eprintln!("{} {}", record.level.as_str().to_uppercase(), record.message);
    }
}

/// Serves a server of a settings file, and prints the path of the file first.
fn serve_settings() {
    let file = std::env::temp_dir().join(format!("tenon-process-{}.toml", std::process::id()));
    std::fs::write(&file, "[server]\nname = \"child\"\n").unwrap();
    let settings = Settings::builder().file(&file).prefix("").load().unwrap();
    let server = Server::from_settings(&settings).unwrap().log(Arc::new(ErrorLog)).build().unwrap();
    eprintln!("{}", file.display());
    with_tools(server).run(ServeOptions::new().stdio()).unwrap();
    std::fs::remove_file(&file).unwrap();
}

fn server() -> Server {
    with_tools(Server::new("child", "1"))
}

fn with_tools(server: Server) -> Server {
    let open = JsonSlice::from_value(&json!({ "type": "object" }));
    let shout = handler(|arguments: Value, _| async move {
        let text = arguments["text"].as_str().unwrap().to_owned();
        println!("{text} by print");
        std::io::stdout().write_all(format!("{text} by write\n").as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
        let by_child = Command::new("echo").arg(format!("{text} by a process")).status().unwrap();
        assert!(by_child.success());
        Ok::<_, String>(text)
    });
    server.tool(Tool::new("shout").input_schema(open.clone()), shout).unwrap();
    let flood = handler(|arguments: Value, _| async move {
        for line in 0..arguments["lines"].as_u64().unwrap() {
            eprintln!("{line:06} {}", "x".repeat(1016));
        }
        Ok::<_, String>("printed")
    });
    server.tool(Tool::new("flood").input_schema(open.clone()), flood).unwrap();
    // A process that lives on, and prints when told to.
    let leave = handler(|arguments: Value, _| async move {
        let script =
            format!("(read line < {} && echo late words >&2) &", arguments["fifo"].as_str().unwrap());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        Ok::<_, String>("left behind")
    });
    server.tool(Tool::new("leave").input_schema(open.clone()), leave).unwrap();
    let last_words = handler(|arguments: Value, _| async move {
        eprintln!("last words");
        match arguments["how"].as_str().unwrap() {
            "abort" => std::process::abort(),
            "exit" => std::process::exit(3),
            how => {
                let signal = Signal::try_from(how.parse::<i32>().unwrap()).unwrap();
                nix::sys::signal::raise(signal).unwrap();
                Ok::<_, String>("alive")
            }
        }
    });
    server.tool(Tool::new("last_words").input_schema(open.clone()), last_words).unwrap();
    let never = handler(|_: Value, _| std::future::pending::<Result<(), String>>());
    server.tool(Tool::new("never").input_schema(open.clone()), never).unwrap();
    let blocks = handler(|_: Value, context: Context| async move {
        // Progress shows that the thread is blocked from here on.
        context.progress(1.0, None, None);
        loop {
            std::thread::park();
        }
        #[allow(unreachable_code)]
        Ok::<_, String>(())
    });
    server.tool(Tool::new("block").input_schema(open), blocks).unwrap();
    server
}

fn default_action(of: Signal) {
    use nix::sys::signal::{SigHandler, signal};
    // SAFETY: no handler function is installed, only the default put back, as in a host that is not a Rust program.
    unsafe { signal(of, SigHandler::SigDfl) }.unwrap();
}

fn without_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
}

/// Serves twice. The program's own handler and the default actions are the same before, between and after the two runs.
fn actions() {
    use nix::sys::signal::{SigHandler, signal};
    let is_caught = |signal: Signal| {
        let status = read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() >> (signal as i32 - 1) & 1 == 1
    };
    let caught = || [Signal::SIGABRT, Signal::SIGFPE, Signal::SIGILL].map(is_caught);
    // SAFETY: nothing is done by it.
    unsafe { signal(Signal::SIGILL, SigHandler::SigIgn) }.unwrap();
    for _ in 0..2 {
        assert_eq!(caught(), [false; 3]);
        let running = server().start(ServeOptions::new().stdio()).unwrap();
        assert_eq!(caught(), [true, true, false]);
        running.close();
        running.wait();
    }
    assert_eq!(caught(), [false; 3]);
}

/// Starts a server on this process's descriptors, and waits to be killed.
fn parent(role: &str) {
    let mut server = Command::new(std::env::current_exe().unwrap()).args(["--child", role]).spawn().unwrap();
    server.wait().unwrap();
}

/// Serves two descriptors that are not standard input and output, but lead to the same client.
fn serve_descriptors() {
    let input = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3).unwrap();
    let output = rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), 3).unwrap();
    server().run(ServeOptions::new().descriptors(input, output)).unwrap();
}

pub fn threads() -> usize {
    read_dir("/proc/self/task").unwrap().count()
}

/// The threads of the engine, with the signals that each thread blocks.
fn engine_threads() -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for task in read_dir("/proc/self/task").unwrap() {
        // A thread may end while we look.
        let Ok(status) = read_to_string(task.unwrap().path().join("status")) else { continue };
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].trim().to_owned()
        };
        let name = field("Name:");
        if name.starts_with("tenon-") {
            found.push((name, u64::from_str_radix(&field("SigBlk:"), 16).unwrap()));
        }
    }
    found
}

fn masks() {
    use nix::sys::signal::SigSet;
    let mask =
        |signals: &[Signal]| signals.iter().fold(0_u64, |mask, &signal| mask | 1 << (signal as i32 - 1));
    let before = SigSet::thread_get_mask().unwrap();
    let running = server().start(ServeOptions::new().stdio()).unwrap();
    assert_eq!(SigSet::thread_get_mask().unwrap(), before, "the caller's own mask is as it was");
    // A thread names itself once it runs.
    until(|| {
        let names: BTreeSet<String> = engine_threads().into_iter().map(|(name, _)| name).collect();
        ["tenon-stderr", "tenon-stdin", "tenon-stdout", "tenon-timer"]
            .iter()
            .all(|name| names.contains(*name))
    });
    let wanted = mask(&[
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGPIPE,
        Signal::SIGCHLD,
        Signal::SIGALRM,
        Signal::SIGUSR1,
        Signal::SIGWINCH,
    ]);
    let faults = mask(&[Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL]);
    for (name, blocked) in engine_threads() {
        assert_eq!(blocked & wanted, wanted, "{name}");
        assert_eq!(blocked & faults, 0, "{name}");
    }
    running.close();
    running.wait();
    until(|| threads() == 1);
}

/// Waits for an event of another thread.
pub fn until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < WAIT_LIMIT, "it did not happen");
        std::thread::yield_now();
    }
}

fn descriptors() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for entry in read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        if let Ok(target) = std::fs::read_link(&path)
            && !target.to_string_lossy().contains("/fd")
        {
            found.insert((path.display().to_string(), target.display().to_string()));
        }
    }
    found
}

/// Checks that a failed start leaves nothing behind.
fn nothing_left(before: &BTreeSet<(String, String)>) {
    until(|| threads() == 1);
    until(|| descriptors() == *before);
    println!("descriptor 1 is as it was");
}

fn port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let before = descriptors();
    let server = server();
    let both = ServeOptions::new().stdio().http(HttpOptions::new(&address).unwrap());
    let error = server.start(both).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(error.message().contains(&address), "{error}");
    nothing_left(&before);
    server.run(ServeOptions::new().stdio()).unwrap();
}

fn no_descriptors_left() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let server = server();
    let old = getrlimit(Resource::Nofile);
    let before = descriptors();
    // Each start gets a little further than the one before.
    let lowest =
        (0..).find(|&number| !std::path::Path::new(&format!("/proc/self/fd/{number}")).exists()).unwrap();
    let mut failures = 0;
    for more in 0..8 {
        setrlimit(Resource::Nofile, Rlimit { current: Some(lowest + more), ..old }).unwrap();
        let result = server.start(ServeOptions::new().stdio());
        setrlimit(Resource::Nofile, old).unwrap();
        let error = result.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        failures += 1;
        nothing_left(&before);
    }
    assert_eq!(failures, 8);
    server.run(ServeOptions::new().stdio()).unwrap();
}
