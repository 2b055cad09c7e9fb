//! Redirects, which stay within their origin.

use crate::support::network::TestNetwork;
use crate::support::peer::{Event, Peer, ok, redirect};
use crate::support::{body, client, error, get, request, says, send};
use tenon_mcp::__private::HttpClientError;

/// A server that redirects `/` to `target`, and answers other paths with their request line.
fn redirecting(status: u16, target: String) -> Peer {
    Peer::start(move |connection| {
        while let Some(request) = connection.request() {
            let line = request.lines().next().unwrap_or_default();
            match line.split(' ').nth(1) {
                Some("/") => connection.say(redirect(status, &target)),
                _ => connection.say(ok(line)),
            }
        }
    })
}

#[test]
fn redirects_within_the_origin_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        for (target, path) in [("/a/b?c=d", "/a/b?c=d"), ("x", "/x"), ("?y", "/?y"), ("./z#part", "/z")] {
            let peer = redirecting(status, target.to_owned());
            let client = client(TestNetwork::default());
            assert_eq!(body(&client, &peer.url("/")), format!("GET {path} HTTP/1.1"));
            assert_eq!(peer.accepted(), 1, "the connection is reused");
        }
    }
    let peer = Peer::start(|connection| {
        let request = connection.request().unwrap();
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        connection.say(redirect(302, &format!("http://{host}/there")));
        while let Some(request) = connection.request() {
            assert!(request.contains("authorization: secret"));
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let mut head = request("HEAD", &peer.url("/"));
    head.headers.insert("authorization", "secret".parse().unwrap());
    // HEAD has no body, so the bytes of this redirect's body make the connection useless.
    assert!(send(&client(TestNetwork::default()), head).is_err());
    let mut get = get(&peer.url("/"));
    get.headers.insert("authorization", "secret".parse().unwrap());
    assert!(send(&client(TestNetwork::default()), get).is_ok());
}

#[test]
fn head_follows_redirects_as_head() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 4\r\n\r\n");
        assert!(connection.request().unwrap().starts_with("HEAD /there "));
        connection.say("HTTP/1.1 200 OK\r\nX-Done: 1\r\nContent-Length: 9\r\n\r\n");
    });
    let response = send(&client(TestNetwork::default()), request("HEAD", &peer.url("/"))).unwrap();
    assert_eq!(response.headers["x-done"], "1");
}

#[test]
fn no_other_origin_is_asked() {
    let other = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let port = other.address.port();
    for target in [
        other.url("/secret?token"),
        format!("//127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let peer = redirecting(302, target.clone());
        let mut request = get(&peer.url("/"));
        request.headers.insert("authorization", "secret".parse().unwrap());
        let failed = error(&client(TestNetwork::default()), request);
        assert!(matches!(failed, HttpClientError::Redirect { .. }));
        says(
            &failed,
            &[&peer.url("/"), "is not followed: its target has another origin, http", &format!(":{port}")],
        );
        assert!(!failed.to_string().contains("secret"), "{failed}");
    }
    assert_eq!(other.events(), []);
    // The scheme and the port alone make another origin.
    let peer = Peer::start(|connection| {
        let request = connection.request().unwrap();
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        connection.say(redirect(302, &format!("https://{host}/")));
    });
    says(
        &error(&client(TestNetwork::default()), get(&peer.url("/"))),
        &["another origin, https://127.0.0.1"],
    );
}

#[test]
fn a_loop_ends() {
    let peer = redirecting(302, "/".to_owned());
    let failed = error(&client(TestNetwork::default()), get(&peer.url("/")));
    says(&failed, &["there were 5 redirects before it"]);
    let requests = peer.events();
    assert_eq!(requests.iter().filter(|event| matches!(event, Event::Request(_))).count(), 6);
}

#[test]
fn five_redirects_are_followed() {
    let peer = Peer::start(|connection| {
        while let Some(request) = connection.request() {
            let place: u32 = request[5..6].parse().unwrap();
            match place {
                5 => connection.say(ok("there")),
                _ => connection.say(redirect(302, &format!("/{}", place + 1))),
            }
        }
    });
    assert_eq!(body(&client(TestNetwork::default()), &peer.url("/0")), "there");
}

#[test]
fn post_is_not_redirected() {
    for status in [301, 302, 303, 307, 308] {
        let peer = redirecting(status, "/there".to_owned());
        let failed = error(&client(TestNetwork::default()), request("POST", &peer.url("/")));
        says(&failed, &["only GET and HEAD follow redirects, and the method is POST"]);
    }
}

#[test]
fn other_statuses_and_missing_targets_are_responses() {
    for (status, header) in [(300, "Location: /x\r\n"), (304, "Location: /x\r\n"), (302, "")] {
        let peer = Peer::start(move |connection| {
            connection.answer_all(&format!("HTTP/1.1 {status} X\r\n{header}Content-Length: 0\r\n\r\n"));
        });
        let response = send(&client(TestNetwork::default()), get(&peer.url("/"))).unwrap();
        assert_eq!(response.status.as_u16(), status);
    }
}

#[test]
fn a_wrong_target_is_an_error() {
    for target in ["http://[", "http://user:secret@127.0.0.1/", "\u{e9}", "mailto:a@b", "http://a b/"] {
        let peer = redirecting(302, target.to_owned());
        let failed = error(&client(TestNetwork::default()), get(&peer.url("/")));
        says(&failed, &["is not followed: its Location"]);
        assert!(!failed.to_string().contains("secret"), "{failed}");
    }
}

#[test]
fn the_body_of_a_redirect_is_not_waited_for() {
    let peer = Peer::start(|connection| {
        connection.request();
        match connection.number {
            0 => connection.say("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 100\r\n\r\nhalf"),
            1 => connection.say("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 100000\r\n\r\n"),
            _ => connection.say(ok("there")),
        }
        connection.closed();
    });
    assert_eq!(body(&client(TestNetwork::default()), &peer.url("/")), "there");
}
