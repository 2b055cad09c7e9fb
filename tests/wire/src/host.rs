//! What a transcript is played against: the engine in this process, or a command line.

use crate::connection::{Connection, Ending};
use crate::settings;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::{Error, ServeOptions, Server, Wake};
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that can be started any number of times.
pub struct Host {
    /// How reports call it.
    pub name: String,
    /// How long anything may take to come.
    pub patience: Duration,
    start: Start,
}

enum Start {
    Engine(Runtime, fn() -> Result<Server, Error>),
    Command(String),
}

impl Host {
    /// The fixture in this process, served over pipes.
    pub fn engine() -> Result<Host, String> {
        Host::in_process("engine", tenon_fixture::server)
    }

    /// The server in this process that only transcripts with `@only settings` are played on.
    pub fn settings() -> Result<Host, String> {
        Host::in_process("settings", settings::server)
    }

    fn in_process(name: &str, server: fn() -> Result<Server, Error>) -> Result<Host, String> {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().map_err(|e| e.to_string())?;
        Ok(Host { name: name.into(), patience: PATIENCE, start: Start::Engine(runtime, server) })
    }

    /// A command line as a shell reads it, started in the project's root.
    pub fn command(name: &str, line: &str) -> Host {
        Host { name: name.into(), patience: PATIENCE, start: Start::Command(line.into()) }
    }

    /// Starts a server.
    pub fn connect(&self) -> Result<Connection, String> {
        match &self.start {
            Start::Engine(runtime, server) => {
                in_process(runtime, *server, self.patience).map_err(|error| format!("cannot start: {error}"))
            }
            Start::Command(line) => {
                spawn(line, self.patience).map_err(|error| format!("cannot start {line:?}: {error}"))
            }
        }
    }
}

fn in_process(
    runtime: &Runtime,
    server: fn() -> Result<Server, Error>,
    patience: Duration,
) -> Result<Connection, Box<dyn std::error::Error>> {
    let (server_input, input) = std::io::pipe()?;
    let (output, server_output) = std::io::pipe()?;
    let _entered = runtime.enter();
    let options = ServeOptions::new().descriptors(server_input.into(), server_output.into());
    let running = server()?.start(options)?;
    let (send_end, end) = channel();
    running.on_closed(Arc::new(Told(Mutex::new(send_end))));
    Ok(Connection::new(input, output, Box::new(InProcess(end)), patience))
}

/// Says that a server has ended. The server itself is not held, because it holds the output.
struct Told(Mutex<Sender<()>>);

impl Wake for Told {
    fn wake(&self) {
        let _ = self.0.lock().map(|told| told.send(()));
    }
}

struct InProcess(Receiver<()>);

impl Ending for InProcess {
    fn wait(&mut self, patience: Duration) -> Result<(), String> {
        self.0.recv_timeout(patience).map_err(|_| "the server did not end after its input".into())
    }

    fn abandon(&mut self) -> String {
        // It ends with its input.
        String::new()
    }
}

struct Process {
    pid: Pid,
    /// From the thread that waits for the process. While nothing has come, the process still owns its id.
    status: Receiver<std::io::Result<ExitStatus>>,
    ended: bool,
    log: File,
}

fn spawn(line: &str, patience: Duration) -> std::io::Result<Connection> {
    // A file instead of a pipe: nobody has to read it for the server to go on.
    let log = log_file()?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("exec {line}")])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.try_clone()?)
        .spawn()?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (input, output) = pipes.ok_or_else(|| std::io::Error::other("no pipes"))?;
    let pid = Pid::from_child(&child);
    let (send_status, status) = channel();
    std::thread::spawn(move || send_status.send(child.wait()));
    Ok(Connection::new(input, output, Box::new(Process { pid, status, ended: false, log }), patience))
}

/// A file without a name.
fn log_file() -> std::io::Result<File> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tenon-wire-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

impl Process {
    fn kill(&mut self) {
        if !self.ended && matches!(self.status.try_recv(), Err(TryRecvError::Empty)) {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.status.recv();
        }
        self.ended = true;
    }
}

impl Ending for Process {
    fn wait(&mut self, patience: Duration) -> Result<(), String> {
        let status = self.status.recv_timeout(patience);
        self.ended = !matches!(status, Err(RecvTimeoutError::Timeout));
        match status {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the server ended with {status}")),
            Err(RecvTimeoutError::Timeout) => Err("the server did not end after its input".into()),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err("the server cannot be waited for".into()),
        }
    }

    fn abandon(&mut self) -> String {
        self.kill();
        let mut text = Vec::new();
        let _ = self.log.seek(SeekFrom::Start(0)).and_then(|_| self.log.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
