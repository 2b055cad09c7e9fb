//! What a transcript is played against: the engine in this process, or a command line; and over what.

use crate::connection::{Connection, Ending};
use crate::http::Http;
use crate::http::client::Address;
use crate::link::Link;
use crate::{settings, sockets};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::{Error, HttpOptions, ServeOptions, Server, Wake};
use tokio::runtime::{Builder, Runtime};

const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// A server that can be started any number of times, or is there for all.
pub struct Host {
    /// How reports call it.
    pub name: String,
    /// What carries the conversation.
    pub transport: Transport,
    /// Which server of a fixture it is.
    pub served: Served,
    /// How long anything may take to come.
    pub patience: Duration,
    start: Start,
}

/// Which server of a fixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The one that a fixture serves without arguments.
    Main,
    /// The one with views and skills.
    Apps,
    /// The one with policies.
    Policies,
}

impl Served {
    /// The servers that transcripts name.
    pub const NAMED: [Served; 2] = [Served::Apps, Served::Policies];

    /// The word in transcripts, and in the argument of a fixture.
    pub fn word(self) -> &'static str {
        match self {
            Served::Main => "main",
            Served::Apps => "apps",
            Served::Policies => "policies",
        }
    }

    /// The server with this word.
    pub fn named(word: &str) -> Option<Served> {
        Served::NAMED.into_iter().find(|served| served.word() == word)
    }
}

/// What carries a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Two pipes, lines.
    Stdio,
    /// Streamable HTTP: each message by itself.
    Http,
    /// Lines on a Unix socket.
    Unix,
    /// Messages of WebSocket.
    WebSocket,
    /// HTTP+SSE of 2024-11-05: posted messages, and a stream of events.
    Sse,
    /// Streamable HTTP on a server of the program's.
    Embedded,
}

impl Transport {
    /// Every one, and its name in transcripts and reports.
    pub const ALL: [(Transport, &str); 6] = [
        (Transport::Stdio, "stdio"),
        (Transport::Http, "http"),
        (Transport::Unix, "unix"),
        (Transport::WebSocket, "websocket"),
        (Transport::Sse, "sse"),
        (Transport::Embedded, "embedded"),
    ];
    /// Those that the servers in this process are played over. The rest of the engine is the same for all.
    pub const IN_PROCESS: [Transport; 2] = [Transport::Stdio, Transport::Http];

    /// Its name.
    pub fn name(self) -> &'static str {
        Transport::ALL.iter().find(|(transport, _)| *transport == self).map_or("", |(_, name)| name)
    }
}

enum Start {
    Engine(Runtime, fn() -> Result<Server, Error>),
    /// A process for each conversation.
    Command(String),
    /// One process for all.
    Shared(String, Mutex<Option<Listening>>),
}

impl Host {
    /// The fixture in this process.
    pub fn engine(transport: Transport) -> Result<Host, String> {
        Host::in_process("engine", transport, tenon_fixture::server)
    }

    /// Another server of the fixture in this process.
    pub fn other_engine(served: Served, transport: Transport) -> Result<Host, String> {
        let server = match served {
            Served::Main => tenon_fixture::server,
            Served::Apps => tenon_fixture::apps,
            Served::Policies => tenon_fixture::policies,
        };
        Ok(Host { served, ..Host::in_process("engine", transport, server)? })
    }

    /// The server in this process that only transcripts with `@only settings` are played on.
    pub fn settings(transport: Transport) -> Result<Host, String> {
        Host::in_process("settings", transport, settings::server)
    }

    fn in_process(
        name: &str,
        transport: Transport,
        server: fn() -> Result<Server, Error>,
    ) -> Result<Host, String> {
        let runtime = Builder::new_multi_thread().enable_all().worker_threads(2).build();
        let start = Start::Engine(runtime.map_err(|e| e.to_string())?, server);
        Ok(Host { name: name.into(), transport, served: Served::Main, patience: WAIT_LIMIT, start })
    }

    /// Another server of the fixture of a command line.
    pub fn other_command(served: Served, name: &str, transport: Transport, line: &str) -> Host {
        let word = served.word();
        let host = Host::command(&format!("{name}-{word}"), transport, &format!("{line} --{word}"));
        Host { name: name.into(), served, ..host }
    }

    /// A command line as a shell reads it, started in the project's root.
    pub fn command(name: &str, transport: Transport, line: &str) -> Host {
        let start = match transport {
            Transport::Stdio => Start::Command(line.into()),
            Transport::Unix => {
                let path = std::env::temp_dir().join(format!("tenon-wire-{}-{name}", std::process::id()));
                Start::Shared(format!("{line} --unix {}", path.display()), Mutex::default())
            }
            other => Start::Shared(format!("{line} --{} 127.0.0.1:0", other.name()), Mutex::default()),
        };
        Host { name: name.into(), transport, served: Served::Main, patience: WAIT_LIMIT, start }
    }

    /// Starts a server, or becomes one more client of the one that is there.
    pub fn connect(&self) -> Result<Box<dyn Link>, String> {
        let failed = |error| format!("cannot start: {error}");
        Ok(match (&self.start, self.transport) {
            (Start::Engine(runtime, server), Transport::Stdio) => {
                Box::new(in_process(runtime, *server, self.patience).map_err(failed)?)
            }
            (Start::Engine(runtime, server), _) => {
                Box::new(in_process_http(runtime, *server, self.patience).map_err(failed)?)
            }
            (Start::Command(line), _) => Box::new(
                spawn(line, self.patience).map_err(|error| format!("cannot start {line:?}: {error}"))?,
            ),
            (Start::Shared(line, listening), _) => {
                let mut listening = listening.lock().expect("no holder panics");
                let there = match listening.take() {
                    Some(there) => there,
                    None => Listening::start(line)?,
                };
                let place = there.place.clone();
                *listening = Some(there);
                drop(listening);
                self.client(&place).map_err(|error| format!("cannot connect to {place}: {error}"))?
            }
        })
    }

    fn client(&self, place: &str) -> std::io::Result<Box<dyn Link>> {
        let patience = self.patience;
        Ok(match self.transport {
            Transport::Unix => Box::new(sockets::unix(place.trim_start_matches("unix:"), patience)?),
            Transport::WebSocket => Box::new(sockets::websocket(place, patience)?),
            Transport::Sse => Box::new(sockets::sse(place, patience)?),
            Transport::Stdio | Transport::Http | Transport::Embedded => {
                let address = Address::parse(place).map_err(std::io::Error::other)?;
                Box::new(Http::new(address, patience, Box::new(|| {})))
            }
        })
    }

    /// Ends a server that was there for all, and says what is wrong if it does not end well.
    pub fn finish(self) -> Result<(), String> {
        match self.start {
            Start::Shared(_, listening) => match listening.into_inner().expect("no holder panics") {
                Some(there) => there.finish(self.patience),
                None => Ok(()),
            },
            Start::Engine(..) | Start::Command(_) => Ok(()),
        }
    }
}

/// A process that has said where it listens.
struct Listening {
    place: String,
    process: Process,
}

impl Listening {
    fn start(line: &str) -> Result<Listening, String> {
        let failed = |error: String| format!("cannot start {line:?}: {error}");
        let (mut child, log) = command(line).map_err(|error| failed(error.to_string()))?;
        let output = child.stdout.take().ok_or_else(|| failed("no pipe".into()))?;
        let mut process = Process::new(child, log);
        let (send, said) = channel();
        std::thread::spawn(move || {
            // Read to the end, so that whoever prints is never blocked.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let said = said.recv_timeout(WAIT_LIMIT).unwrap_or_default();
        match said.strip_prefix("listening ") {
            Some(place) => Ok(Listening { place: place.into(), process }),
            None => Err(failed(format!("it says {said:?}, not where it listens\n{}", process.abandon()))),
        }
    }

    fn finish(mut self, patience: Duration) -> Result<(), String> {
        let _ = kill_process(self.process.pid, Signal::TERM);
        self.process.wait(patience).map_err(|error| format!("{error}\n{}", self.process.abandon()))
    }
}

fn in_process_http(
    runtime: &Runtime,
    server: fn() -> Result<Server, Error>,
    patience: Duration,
) -> Result<Http, Box<dyn std::error::Error>> {
    let _entered = runtime.enter();
    let running = server()?.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0")?))?;
    let address = Address::parse(&running.http_url().ok_or("it listens nowhere")?)?;
    let close = move || {
        running.close();
    };
    Ok(Http::new(address, patience, Box::new(close)))
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
    running.on_closed(Arc::new(NotifyClosed(Mutex::new(send_end))));
    Ok(Connection::new(input, output, Box::new(InProcess(end)), patience))
}

/// Says that a server has ended. The server itself is not held, because it holds the output.
struct NotifyClosed(Mutex<Sender<()>>);

impl Wake for NotifyClosed {
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

impl Process {
    fn new(mut child: Child, log: File) -> Process {
        let pid = Pid::from_child(&child);
        let (send_status, status) = channel();
        std::thread::spawn(move || send_status.send(child.wait()));
        Process { pid, status, ended: false, log }
    }
}

fn spawn(line: &str, patience: Duration) -> std::io::Result<Connection> {
    let (mut child, log) = command(line)?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (input, output) = pipes.ok_or_else(|| std::io::Error::other("no pipes"))?;
    Ok(Connection::new(input, output, Box::new(Process::new(child, log)), patience))
}

/// Starts a process, and gives the file that it logs to: nobody has to read that for the server to go on.
fn command(line: &str) -> std::io::Result<(Child, File)> {
    let log = log_file()?;
    let child = Command::new("/bin/sh")
        .args(["-c", &format!("exec {line}")])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.try_clone()?)
        .spawn()?;
    Ok((child, log))
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
