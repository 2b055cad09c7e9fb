//! One call over HTTP, from its request to the last byte of its response: the endpoint without a socket, the host's
//! part done by hand.

use crate::channel::{lane, server, server_with, take_call};
use crate::path::{self, Expected, Path};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::Future;
use std::mem::take;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tenon_mcp::http::{Access, HttpService, ResponseBody};
use tenon_mcp::{HostOp, Lane, Outcome, Server};

const ANSWER: &str = "Morning: fair. Evening: no rain.";

/// What verifies [`TOKEN`].
const KEY: &str = include_str!("../../../core/tokens/tests/keys/p256-a.pub.pem");
/// A token for tests, signed with their key `p256-a`. It is good from the time of the fixed clock until 2096.
const TOKEN: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMTEifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5le",
    "GFtcGxlIiwiYXVkIjoiaHR0cHM6Ly9tY3AuZXhhbXBsZS9tY3AiLCJzdWIiOiIyNDgyODk3NjEwMDEiLCJjbGllbnRfaWQiO",
    "iJzNkJoZFJrcXQzIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQwMDAwMDAwMDAsImp0aSI6IjAwMDAwMDAwMDAwMDAwMDAiL",
    "CJzY29wZSI6InVzZSByZWFkIn0.ErSQOq_d3SlUbqKEwudJRFZN2SGa8q-WtJEANfEqN1MuNEcCHBnCX2mrl0IuwJIGDmUmO",
    "IPIWtKSESWcSh6hRA",
);

/// A body that comes at once.
#[derive(Default)]
struct Whole(Bytes);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = take(&mut self.0);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

pub struct Exchange {
    server: Server,
    service: HttpService,
    lane: Lane,
    headers: Vec<(&'static str, String)>,
    call: Bytes,
    next: Option<Request<Whole>>,
    response: Vec<u8>,
    ops: Vec<HostOp>,
    expected: Expected,
}

impl Exchange {
    fn new(server: Server, modern: bool, headers: Vec<(&'static str, String)>) -> Exchange {
        let mut all = vec![
            ("host", "localhost:8080".to_owned()),
            ("user-agent", "count/1.0".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
        ];
        all.extend(headers);
        Exchange {
            service: HttpService::new(&server, Access::loopback()),
            lane: lane(&server),
            headers: all,
            call: path::call(modern).to_string().into(),
            next: None,
            response: Vec::with_capacity(4096),
            ops: Vec::with_capacity(64),
            expected: Expected::default(),
            server,
        }
    }

    /// Without a session; the headers repeat what the body says.
    pub fn modern() -> Exchange {
        Exchange::new(server(), true, Exchange::modern_headers())
    }

    /// The same with authentication, by a token that has been verified before, and a scope that the tool needs.
    pub fn scopes() -> Exchange {
        let verifier = json!({
            "type": "jwt",
            "issuer": "https://issuer.example",
            "audience": "https://mcp.example/mcp",
            "public_key": KEY,
        });
        let server = server_with(&json!({ "auth": [verifier] }), &["use"]);
        let mut headers = Exchange::modern_headers();
        headers.push(("authorization", format!("Bearer {TOKEN}")));
        Exchange::new(server, true, headers)
    }

    fn modern_headers() -> Vec<(&'static str, String)> {
        let headers =
            [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "forecast")];
        headers.map(|(name, value)| (name, value.to_owned())).into()
    }

    /// In a session.
    pub fn legacy() -> Exchange {
        let version = ("mcp-protocol-version", "2025-11-25".to_owned());
        let mut exchange = Exchange::new(server(), false, vec![version]);
        let opened = exchange.post(&path::initialize());
        let session = opened.headers()["mcp-session-id"].to_str().expect("text").to_owned();
        exchange.headers.push(("mcp-session-id", session));
        assert_eq!(exchange.post(&path::initialized()).status(), 202);
        exchange
    }

    fn request(&self, body: Bytes) -> Request<Whole> {
        let builder = Request::builder().method("POST").uri("/mcp");
        let builder =
            self.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        builder.body(Whole(body)).expect("a legal request")
    }

    /// Posts what is answered without a host.
    fn post(&self, message: &Value) -> Response<ResponseBody> {
        let mut answer = pin!(self.service.handle(self.request(message.to_string().into())));
        ready(answer.as_mut().poll(&mut idle())).expect("an answer at once")
    }
}

/// Whoever polls here also brings about what is waited for.
fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl Path for Exchange {
    fn prepare(&mut self) {
        self.next = Some(self.request(self.call.clone()));
    }

    fn work(&mut self) {
        let request = self.next.take().expect("a request");
        let mut answer = pin!(self.service.handle(request));
        assert!(answer.as_mut().poll(&mut idle()).is_pending(), "the call waits for its host");
        let call = take_call(&self.lane, &mut self.ops);
        self.server.port().complete(call, Outcome::Text(ANSWER.to_owned())).expect("the call is in flight");
        let response = ready(answer.as_mut().poll(&mut idle())).expect("the response is ready");
        let mut body = response.into_body();
        while let Some(Some(Ok(frame))) = ready(Pin::new(&mut body).poll_frame(&mut idle())) {
            self.response.extend_from_slice(frame.data_ref().expect("data"));
        }
    }

    fn finish(&mut self) {
        self.expected.check(&self.response, |result| result["content"][0]["text"] == ANSWER);
        self.response.clear();
    }
}
