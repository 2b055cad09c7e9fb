//! The file of a Unix socket.

use crate::client::{TestServer, close, connect, ping};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use tenon_mcp::{ErrorKind, HttpOptions, ServeOptions, Server, UnixOptions};

#[test]
fn it_is_the_users_alone_or_what_was_said_and_goes_with_the_server() {
    let served = TestServer::new();
    let path = served.path();
    for (options, mode) in
        [(served.unix(), 0o600), (served.unix().mode(0o666), 0o666), (served.unix().mode(0), 0)]
    {
        let running = served.start(ServeOptions::new().unix(options.clone()));
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, mode);
        close(&running);
        assert!(!path.exists());
        let running = served.start(ServeOptions::new().http(HttpOptions::unix(options)));
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, mode);
        close(&running);
        assert!(!path.exists());
    }
}

#[test]
fn one_that_was_left_behind_is_replaced_and_one_that_is_served_is_not() {
    let served = TestServer::new();
    let path = served.path();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let running = served.up();
    assert!(served.client().is_served());
    let other = TestServer::new();
    for options in
        [ServeOptions::new().unix(served.unix()), ServeOptions::new().http(HttpOptions::unix(served.unix()))]
    {
        let error = other.refused(options);
        assert_eq!(error.kind(), ErrorKind::Address);
        let said = error.to_string();
        assert!(said.contains("another server listens") && said.contains(path.to_str().unwrap()), "{said}");
    }
    // Also if nobody accepts there.
    let full = other.path();
    let listener = UnixListener::bind(&full).unwrap();
    assert!(other.try_start(ServeOptions::new().unix(other.unix())).is_err());
    drop(listener);
    assert!(served.client().is_served());
    close(&running);
}

#[test]
fn what_is_no_socket_stays() {
    let served = TestServer::new();
    fs::write(served.path(), "precious").unwrap();
    let error = served.refused(ServeOptions::new().unix(served.unix()));
    assert!(error.kind() == ErrorKind::Address && error.to_string().contains("not a socket"), "{error}");
    assert_eq!(fs::read_to_string(served.path()).unwrap(), "precious");
    // Nor is a link followed.
    let link = served.directory.file("link");
    std::os::unix::fs::symlink(served.path(), &link).unwrap();
    assert!(served.try_start(ServeOptions::new().unix(UnixOptions::new(&link).unwrap())).is_err());
    assert!(fs::symlink_metadata(link).unwrap().is_symlink());
}

#[test]
fn only_its_own_file_is_removed() {
    let served = TestServer::new();
    let path = served.path();
    let running = served.up();
    // Somebody has put another there.
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    close(&running);
    assert!(path.exists());
    drop(other);
    // Or nobody has.
    let running = served.up();
    fs::remove_file(&path).unwrap();
    close(&running);
    assert!(!path.exists());
}

#[test]
fn of_those_that_start_at_once_one_has_it() {
    // One that was left behind tempts each to remove what another has just made.
    let served = TestServer::new();
    for _ in 0..20 {
        drop(UnixListener::bind(served.path()).unwrap());
        let others: Vec<Server> = (0..4).map(|_| Server::new("other", "1")).collect();
        let unix = served.unix();
        let started: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = others
                .iter()
                .map(|other| scope.spawn(|| other.start(ServeOptions::new().unix(unix.clone())).ok()))
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(started.len(), 1);
        let mut client = connect(&served.path());
        client.send(&ping(1));
        assert_eq!(client.receive().unwrap()["id"], 1);
        started.iter().for_each(close);
        assert!(!served.path().exists());
    }
}

#[test]
fn wrong_paths_and_modes_are_told() {
    let served = TestServer::new();
    let said = |error: tenon_mcp::Error| (error.kind(), error.to_string());
    let long = "x".repeat(108);
    let (kind, text) = said(UnixOptions::new(&long).unwrap_err());
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.contains("108 bytes") && text.contains("107"), "{text}");
    assert!(UnixOptions::new("").is_err() && UnixOptions::new("a\0b").is_err());
    let wrong = served.unix().mode(0o1000);
    for options in
        [ServeOptions::new().unix(wrong.clone()), ServeOptions::new().http(HttpOptions::unix(wrong))]
    {
        let (kind, text) = said(served.refused(options));
        assert!(kind == ErrorKind::Invalid && text.contains("0o1000"), "{text}");
    }
    let nowhere = UnixOptions::new(served.directory.file("no/such/socket")).unwrap();
    let (kind, text) = said(served.refused(ServeOptions::new().unix(nowhere)));
    assert!(kind == ErrorKind::Address && text.contains("no/such/socket"), "{text}");
    // The longest there can be.
    let room = 107 - served.directory.file("").as_os_str().len();
    let longest = served.directory.file(&"x".repeat(room));
    let running = served.start(ServeOptions::new().unix(UnixOptions::new(&longest).unwrap()));
    assert!(connect(&longest).is_served());
    close(&running);
}
