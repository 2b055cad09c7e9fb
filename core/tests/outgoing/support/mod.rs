//! Peers that do what a test says, certificates, and an executor without tokio.

pub mod authority;
pub mod network;
pub mod peer;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tenon_mcp::__private::{
    HttpClient, HttpClientError, HttpClientOptions, Network, OutgoingRequest, OutgoingResponse, Trust,
};

/// How long a test waits for what must happen.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread, which tokio does not know.
pub fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, end) = (pin!(future), Instant::now() + TEST_TIMEOUT);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let rest = end.saturating_duration_since(Instant::now());
        assert!(!rest.is_zero(), "the future does not end");
        thread::park_timeout(rest);
    }
}

/// A client on this network.
pub fn client(network: impl Network) -> HttpClient {
    HttpClient::new(options(network))
}

pub fn options(network: impl Network) -> HttpClientOptions {
    HttpClientOptions { network: Arc::new(network), ..HttpClientOptions::default() }
}

/// A `GET` of a URL that the operator has named, with a long timeout.
pub fn get(url: &str) -> OutgoingRequest {
    request("GET", url)
}

pub fn request(method: &str, url: &str) -> OutgoingRequest {
    let mut request = OutgoingRequest::new(method.parse().unwrap(), url, Trust::Named);
    request.timeout = TEST_TIMEOUT;
    request
}

/// A `GET` of a URL that a peer has named.
pub fn discovered(url: &str) -> OutgoingRequest {
    OutgoingRequest { trust: Trust::Discovered, ..get(url) }
}

pub fn send(client: &HttpClient, request: OutgoingRequest) -> Result<OutgoingResponse, HttpClientError> {
    wait(client.send(request))
}

/// The body of a response that must come.
pub fn body(client: &HttpClient, url: &str) -> String {
    let response = send(client, get(url)).unwrap();
    String::from_utf8(response.body.to_vec()).unwrap()
}

/// The error of a request that must fail.
pub fn error(client: &HttpClient, request: OutgoingRequest) -> HttpClientError {
    send(client, request).expect_err("the request must fail")
}

/// Fails unless the text of the error has all parts.
#[track_caller]
pub fn says(error: &HttpClientError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}
