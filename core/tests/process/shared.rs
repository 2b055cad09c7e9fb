//! What the servers of one process share.

use super::child::{WAIT_LIMIT, threads, until};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use tenon_mcp::__private::{HttpClient, HttpClientOptions, Network, OutgoingRequest, Trust};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{ErrorKind, HttpOptions, Limits, Running, ServeOptions, Server, ServerBuilder, UnixOptions};

fn start(change: impl FnOnce(&mut Limits), build: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Running {
    let mut limits = Limits::default();
    change(&mut limits);
    let server = build(Server::builder("child", "1").limits(limits)).build().unwrap();
    server.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap())).unwrap()
}

/// Opens a connection that was served once, and stays open.
fn client(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    stream.write_all(b"PUT /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 405");
    stream
}

fn end(servers: Vec<Running>) {
    servers.iter().for_each(|server| assert!(server.close()));
    servers.iter().for_each(|server| assert!(server.wait_for(WAIT_LIMIT)));
}

/// The servers are closed and not dropped. Their threads end nevertheless.
pub fn threads_of_many() {
    let cores = std::thread::available_parallelism().unwrap().get().min(4);
    let mut servers = vec![start(|_| (), |builder| builder)];
    // This one, the clock, a thread for sockets and one in reserve.
    assert_eq!(threads(), 4);
    let address = servers[0].http_address().unwrap();
    let clients: Vec<_> = (0..2 * cores).map(|_| client(address)).collect();
    let one = threads();
    assert_eq!(one, 2 + 2 * cores);
    servers.extend((1..100).map(|_| start(|_| (), |builder| builder)));
    for server in &servers {
        client(server.http_address().unwrap());
    }
    assert_eq!(threads(), one, "100 servers have the threads of one");
    drop(clients);
    let last = servers.split_off(99);
    end(servers);
    client(last[0].http_address().unwrap());
    end(last);
    until(|| threads() == 1);

    // Another number of them, for which there is another set.
    let few = start(|limits| limits.io_threads = 1, |builder| builder);
    let address = few.http_address().unwrap();
    let clients: Vec<_> = (0..4).map(|_| client(address)).collect();
    assert_eq!(threads(), 4);
    drop(clients);
    end(vec![few]);
    until(|| threads() == 1);
}

/// Needs more stack than a thread has by default.
fn descend(depth: usize) -> usize {
    let room = std::hint::black_box([depth as u8; 4096]);
    if depth == 0 { 0 } else { descend(depth - 1) + usize::from(room[depth % 4096] != depth as u8) + 1 }
}

pub fn start_of_threads() {
    let (names, deep) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (said, dug) = (names.clone(), deep.clone());
    let hook = move |name: &str| {
        said.lock().push((name.to_owned(), std::thread::current().id()));
        dug.fetch_max(descend(4096), Ordering::SeqCst);
        panic!("the thread goes on");
    };
    let server =
        start(|limits| limits.thread_stack_bytes = 64 << 20, |builder| builder.on_thread_start(hook));
    let other = start(|_| (), |builder| builder);
    client(server.http_address().unwrap());
    client(other.http_address().unwrap());
    end(vec![server, other]);
    until(|| threads() == 1);
    let mut names = std::mem::take(&mut *names.lock());
    // Each once, and none of the other server's.
    assert!(names.iter().all(|(_, id)| names.iter().filter(|(_, other)| other == id).count() == 1));
    let mut names: Vec<_> = names.drain(..).map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["tenon-close", "tenon-io", "tenon-io", "tenon-timer"]);
    assert_eq!(deep.load(Ordering::SeqCst), 4096);
}

/// Forks a child while the value of `during` exists. Returns the child's process id, and a pipe. The child ends when
/// the pipe is dropped.
fn fork<T>(during: impl FnOnce() -> T) -> (i32, std::io::PipeWriter) {
    let (mut wait, hold) = std::io::pipe().unwrap();
    let _during = during();
    // SAFETY: the child makes system calls only: it closes, reads and ends.
    let child = unsafe {
        let child = nix::libc::fork();
        if child == 0 {
            drop(hold);
            let _ = wait.read(&mut [0]);
            nix::libc::_exit(0);
        }
        child
    };
    (child, hold)
}

/// The name that the system gives to the socket that listens on the address.
fn listening_on(address: SocketAddr) -> String {
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row[1].ends_with(&port) && row[3] == "0A").unwrap();
    format!("socket:[{}]", row[9])
}

fn has_descriptor(process: i32, what: &str) -> bool {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    open.flatten().any(|one| std::fs::read_link(one.path()).is_ok_and(|link| link == Path::new(what)))
}

/// Opens files until the process has no free descriptors.
fn all_descriptors() -> Vec<File> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) }).unwrap();
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

pub fn port_of_a_fork() {
    frees_its_port(|| fork(|| ()));
    // The child cannot open what is to replace the copies.
    frees_its_port(|| fork(all_descriptors));
}

fn frees_its_port(fork: impl FnOnce() -> (i32, std::io::PipeWriter)) {
    use rustix::net::{AddressFamily, SocketType, bind, socket};
    let server = start(|_| (), |builder| builder);
    let address = server.http_address().unwrap();
    let path = std::env::temp_dir().join(format!("tenon-fork-{}", std::process::id()));
    let unix = Server::new("child", "1");
    let unix = unix.start(ServeOptions::new().unix(UnixOptions::new(&path).unwrap())).unwrap();
    let listening = listening_on(address);
    assert!(has_descriptor(std::process::id() as i32, &listening));
    let (number, child) = fork();
    until(|| !has_descriptor(number, &listening));
    // The parent's are as they were.
    client(address);
    drop(std::os::unix::net::UnixStream::connect(&path).unwrap());
    end(vec![server, unix]);
    // Without the option that ports may be used again.
    let taken = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    // One that was served may wait for its last packets.
    let free = || bind(&taken, &address).is_ok() || std::net::TcpListener::bind(address).is_ok();
    assert!(free(), "the child keeps the port");
    let again = Server::new("child", "1");
    end(vec![again.start(ServeOptions::new().unix(UnixOptions::new(&path).unwrap())).unwrap()]);
    drop(child);
}

/// Runs `run` in a forked child that has process id 1 in its own namespace. Returns the child's exit code; `None` if
/// the system allows no namespaces.
fn with_number_one(flags: i32, run: impl FnOnce()) -> Option<i32> {
    use nix::libc;
    // SAFETY: system calls. The child ends without what else this process would do at its end; if this process ends, it does too.
    unsafe {
        if libc::unshare(libc::CLONE_NEWPID | flags) != 0 {
            return None;
        }
        let child = libc::fork();
        if child == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            libc::_exit(i32::from(done.is_err()));
        }
        let mut status = -1;
        libc::waitpid(child, &raw mut status, 0);
        Some(status)
    }
}

/// A child that has the same process id as its parent still has none of the parent's threads.
pub fn fork_of_the_same_number() {
    let serve = || {
        assert_eq!(std::process::id(), 1);
        let server = start(|limits| limits.io_threads = 1, |builder| builder);
        client(server.http_address().unwrap());
        server
    };
    let served = with_number_one(nix::libc::CLONE_NEWUSER, || {
        let server = serve();
        let status = with_number_one(0, || {
            assert_eq!(server.check_fork().unwrap_err().kind(), ErrorKind::Forked);
            end(vec![serve()]);
        });
        assert_eq!(status, Some(0));
        end(vec![server]);
    });
    // A system may allow nobody to make namespaces.
    assert!(matches!(served, None | Some(0)), "{served:?}");
}

/// A system without proxies.
struct Direct;

impl Network for Direct {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// Nothing starts before the first outgoing request. A child that is forked after it gets errors, and ends.
pub fn outgoing_requests_of_a_fork() {
    let unused = HttpClient::new(HttpClientOptions::default());
    assert_eq!(threads(), 1);
    drop(unused);
    let served = with_number_one(nix::libc::CLONE_NEWUSER, || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let request = || OutgoingRequest::new("GET".parse().unwrap(), &url, Trust::Named);
        let client =
            HttpClient::new(HttpClientOptions { network: Arc::new(Direct), ..HttpClientOptions::default() });
        let running = Box::pin(client.send(request()));
        // The thread of the client runs.
        drop(listener.accept().unwrap());
        let status = with_number_one(0, move || {
            let mut task = Context::from_waker(Waker::noop());
            for mut sending in [running, Box::pin(client.send(request()))] {
                let Poll::Ready(Err(error)) = sending.as_mut().poll(&mut task) else { panic!("no error") };
                assert!(error.to_string().contains("was forked after the client started"), "{error}");
            }
            drop(client);
        });
        assert_eq!(status, Some(0));
    });
    // A system may allow nobody to make namespaces.
    assert!(matches!(served, None | Some(0)), "{served:?}");
}

/// The address space does not suffice for the stacks of all threads of a start. In each further start, one more thread
/// fits.
pub fn no_threads_left() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const STACK: u64 = 1 << 30;
    let mut limits = Limits::default();
    (limits.thread_stack_bytes, limits.io_threads) = (STACK as usize, 1);
    let server = Server::builder("child", "1").limits(limits).build().unwrap();
    let old = getrlimit(Resource::As);
    // Once: the C library keeps the stack of a thread that has ended, for the next.
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let start_with_room_for = |count: u64| {
        let most = pages * 4096 + count * STACK + STACK / 2;
        setrlimit(Resource::As, Rlimit { current: Some(most), ..old }).unwrap();
        let started = server.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap()));
        setrlimit(Resource::As, old).unwrap();
        started
    };
    // The clock, a thread for sockets, and the one in reserve.
    for count in 0..3 {
        let error = start_with_room_for(count).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("thread"), "{error}");
        until(|| threads() == 1);
    }
    let server = start_with_room_for(4).unwrap();
    client(server.http_address().unwrap());
    end(vec![server]);
    until(|| threads() == 1);
}

/// No further thread for sockets can start. Clients are served by the existing threads, and the start is tried only
/// once.
pub fn threads_refused_meanwhile() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const STACK: u64 = 1 << 30;
    let server = start(
        |limits| (limits.thread_stack_bytes, limits.io_threads) = (STACK as usize, 4),
        |builder| builder,
    );
    let address = server.http_address().unwrap();
    drop(client(address));
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    std::panic::set_hook(Box::new(move |_| _ = count.fetch_add(1, Ordering::SeqCst)));
    let old = getrlimit(Resource::As);
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    setrlimit(Resource::As, Rlimit { current: Some(pages * 4096 + STACK / 2), ..old }).unwrap();
    let clients: Vec<_> = (0..8).map(|_| client(address)).collect();
    // Another one begins where there is a thread.
    let other = start(
        |limits| (limits.thread_stack_bytes, limits.io_threads) = (STACK as usize, 4),
        |builder| builder,
    );
    drop(client(other.http_address().unwrap()));
    setrlimit(Resource::As, old).unwrap();
    let _ = std::panic::take_hook();
    assert_eq!(refused.load(Ordering::SeqCst), 1);
    assert_eq!(threads(), 4);
    drop(clients);
    end(vec![server, other]);
}
