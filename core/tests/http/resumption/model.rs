//! Random sequences of events, readers and time, which are compared with a model. Over all responses, each event
//! arrives once and on its own stream.

use crate::resumption::resume::come_back;
use crate::support::bench::{Bench, Part, Pending, poll_body};
use crate::{all_events, numbered};
use http_body::Body;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{CallId, Event, Limits, Outcome};

/// One step. The first number is the index of a stream: two calls, and one GET stream.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The server sends an event on the stream.
    Say(usize),
    /// The client reads the stream.
    Read(usize),
    /// The client disconnects. If the flag is set, the output that the server wrote before is lost.
    Disconnect(usize, bool),
    /// The client reconnects, after the last event that it has read.
    Return(usize),
    /// The handler closes the response.
    Close(usize),
    /// The call is answered.
    Answer(usize),
    /// Time passes, in eighths of the timeout for reconnecting.
    Pass(u32),
    /// The client ends the session.
    Delete,
    /// The server ends its GET streams.
    Shutdown,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3usize).prop_map(Step::Say),
        5 => (0..3usize).prop_map(Step::Read),
        3 => (0..3usize, any::<bool>()).prop_map(|(stream, lost)| Step::Disconnect(stream, lost)),
        5 => (0..3usize).prop_map(Step::Return),
        2 => (0..2usize).prop_map(Step::Close),
        1 => (0..2usize).prop_map(Step::Answer),
        2 => (1..6u32).prop_map(Step::Pass),
        1 => Just(Step::Shutdown),
        1 => Just(Step::Delete),
    ]
}

/// One stream in the model.
#[derive(Default)]
struct Model {
    call: Option<CallId>,
    pending: Option<Pending>,
    body: Option<ResponseBody>,
    /// The numbers of the events that were sent.
    said: Vec<u64>,
    /// The numbers that the client has read.
    read: Vec<u64>,
    last_id: Option<String>,
    /// `true` if the server ends the response at the next poll.
    closing: bool,
    /// `true` if the call was answered, or the stream was ended.
    ended: bool,
    /// `true` if no client can resume the stream: no id was ever sent, the timeout has passed, or the session has
    /// ended.
    lost: bool,
    /// The time in eighths since a check found the stream without a reader.
    alone: Option<u32>,
}

impl Model {
    fn reads(&self) -> bool {
        self.body.is_some() && !self.closing
    }

    /// Whether the server still works on the response. If the response was complete at once, the server has forgotten
    /// it.
    fn is_open(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.size_hint().exact().is_none())
    }
}

/// The number of an event. The response has the greatest number.
fn number(message: &Value) -> u64 {
    let number = |value: &Value| value.as_f64().map(|number| number as u64);
    let told = number(&message["params"]["progress"]).or_else(|| number(&message["params"]["number"]));
    told.unwrap_or_else(|| {
        assert!(message["result"].is_object(), "{message}");
        u64::MAX
    })
}

struct TestState {
    bench: Bench,
    session: String,
    streams: Vec<Model>,
    said: u64,
    deleted: bool,
}

impl TestState {
    fn new() -> TestState {
        let mut limits = Limits::default();
        limits.call_timeout = Duration::from_secs(86_400);
        limits.session_idle = Duration::from_secs(86_400);
        let bench = Bench::with(limits, |builder| builder);
        let session = bench.open();
        let mut streams: Vec<_> = (1..3)
            .map(|id| {
                let pending = bench.session_call(&session, id);
                Model { call: Some(bench.take_call()), pending: Some(pending), ..Model::default() }
            })
            .collect();
        let head = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
        let body = bench.bare("GET", &head).poll().unwrap().into_body();
        streams.push(Model { body: Some(body), ..Model::default() });
        TestState { bench, session, streams, said: 0, deleted: false }
    }

    /// Polls the response until it begins, if it can.
    fn begin(&mut self, place: usize) {
        let stream = &mut self.streams[place];
        if let Some(pending) = &mut stream.pending
            && let Some(response) = pending.poll()
        {
            stream.pending = None;
            if response.headers()["content-type"] == "application/json" {
                // Answered before anything was said: no stream at all.
                stream.read.push(u64::MAX);
                stream.lost = true;
            } else {
                stream.body = Some(response.into_body());
            }
        }
    }

    /// Reads the available output. It counts as read if `kept` is `true`, and is lost otherwise.
    fn read(&mut self, place: usize, kept: bool) {
        self.begin(place);
        let stream = &mut self.streams[place];
        let Some(body) = &mut stream.body else { return };
        let (mut bytes, mut ended) = (Vec::new(), false);
        loop {
            match poll_body(body, &Arc::default()) {
                Part::Data(data) => bytes.extend(data),
                Part::End => {
                    ended = true;
                    break;
                }
                Part::Nothing => break,
            }
        }
        if kept {
            if let Some((id, _)) = all_events(&bytes).last() {
                assert!(!id.is_empty() || self.deleted);
                stream.last_id = Some(id.clone()).filter(|id| !id.is_empty());
            }
            stream.read.extend(numbered(&bytes).iter().map(|(_, message)| number(message)));
        }
        assert_eq!(ended, stream.closing || stream.ended || stream.lost, "a response ends when it must");
        if ended {
            if stream.is_open() {
                stream.alone = None;
            }
            stream.body = None;
            stream.closing = false;
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Say(place) => self.say(place),
            Step::Read(place) => self.read(place, true),
            Step::Disconnect(place, lost) => {
                if lost {
                    self.read(place, false);
                }
                let stream = &mut self.streams[place];
                // Before its head: there is nothing to come back to.
                stream.lost |= stream.pending.take().is_some();
                if stream.is_open() {
                    stream.alone = None;
                }
                stream.body = None;
                stream.closing = false;
            }
            Step::Return(place) => self.come_back(place),
            Step::Close(place) => {
                let stream = &mut self.streams[place];
                let Some(call) = stream.call else { return };
                let may = (stream.reads() || stream.pending.is_some() && !stream.closing) && !stream.ended;
                let closed = self.bench.server.port().close_stream(call).unwrap_or(false);
                assert_eq!(closed, may && !self.deleted);
                stream.closing |= closed;
            }
            Step::Answer(place) => {
                let stream = &mut self.streams[place];
                let outcome = Outcome::Text("done".into());
                if let Some(call) = stream.call
                    && self.bench.server.port().complete(call, outcome).is_ok()
                {
                    stream.said.push(u64::MAX);
                    stream.ended = true;
                    stream.alone = None;
                }
            }
            Step::Pass(eighths) => self.pass(eighths),
            Step::Shutdown => {
                self.bench.service.end_streams();
                if !self.streams[2].ended {
                    (self.streams[2].ended, self.streams[2].alone) = (true, None);
                }
            }
            Step::Delete => {
                let head = [("mcp-session-id", self.session.as_str())];
                let status = self.bench.bare("DELETE", &head).finish().status;
                assert_eq!(status, if self.deleted { 404 } else { 204 });
                self.deleted = true;
                for stream in &mut self.streams {
                    (stream.lost, stream.ended) = (true, true);
                }
            }
        }
    }

    fn say(&mut self, place: usize) {
        self.said += 1;
        let number = self.said;
        let stream = &mut self.streams[place];
        match stream.call {
            Some(call) => {
                let event = Event::progress(number as f64, None, None);
                if self.bench.server.port().emit(call, event).is_ok() && !stream.ended {
                    stream.said.push(number);
                }
            }
            None => {
                let params = tenon_mcp::JsonSlice::from_value(&json!({ "number": number }));
                let told = self.bench.server.notify("notifications/x", &params).unwrap();
                assert_eq!(told == 1, !stream.ended && !stream.lost, "LH-36");
                stream.said.extend((told == 1).then_some(number));
            }
        }
    }

    fn come_back(&mut self, place: usize) {
        let stream = &mut self.streams[place];
        let Some(id) = stream.last_id.clone() else { return };
        let response = come_back(&self.bench, &self.session, &id).poll().expect("an answer at once");
        let status = if self.deleted {
            404
        } else if stream.lost {
            400
        } else {
            200
        };
        assert_eq!(response.status(), status);
        if status == 200 {
            if let Some(mut before) = stream.body.replace(response.into_body()) {
                // At most what had been handed over is still on its way.
                let part = poll_body(&mut before, &Arc::default());
                let rest = |part| matches!(part, Part::Data(_)) && before.is_end_stream();
                assert!(matches!(part, Part::End) || rest(part), "it was taken over");
            }
            stream.closing = false;
            stream.alone = None;
        }
    }

    fn pass(&mut self, eighths: u32) {
        for _ in 0..eighths {
            self.bench.clock.advance(Limits::default().resume_timeout / 8);
            self.bench.service.tick();
            for stream in &mut self.streams {
                if stream.pending.is_some() {
                    // It has taken so long that it is a stream now.
                    continue;
                }
                if stream.is_open() {
                    continue;
                }
                let alone = stream.alone.map_or(0, |alone| alone + 1);
                stream.alone = Some(alone);
                if alone >= 8 && (stream.ended || stream.call.is_none()) {
                    (stream.lost, stream.ended) = (true, true);
                }
            }
        }
    }

    /// At the end, the client resumes each stream that can be resumed, and must have all events in their order.
    fn check(mut self) {
        for place in 0..self.streams.len() {
            if !self.streams[place].lost {
                self.begin(place);
                // Twice: a response may be about to end when the client has read it.
                for _ in 0..2 {
                    self.read(place, true);
                    self.come_back(place);
                }
                self.read(place, true);
            }
            let stream = &self.streams[place];
            assert!(stream.said.starts_with(&stream.read), "{:?} of {:?}", stream.read, stream.said);
            let came = stream.last_id.is_some() || stream.body.is_some();
            assert!(
                stream.lost || !came || stream.read == stream.said,
                "{:?} of {:?}",
                stream.read,
                stream.said
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// LH-20, LH-21, LH-26, LH-28, LH-29, LH-35.
    #[test]
    fn each_event_comes_once_and_on_its_own_stream(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = TestState::new();
        for step in steps {
            world.step(step);
        }
        world.check();
    }
}

/// All orders of a few steps on one stream, whatever the random sequences contain.
#[test]
fn every_order_of_a_few_steps() {
    let steps = [
        Step::Say(0),
        Step::Read(0),
        Step::Disconnect(0, false),
        Step::Disconnect(0, true),
        Step::Return(0),
        Step::Close(0),
        Step::Answer(0),
        Step::Pass(5),
        Step::Delete,
        Step::Shutdown,
    ];
    let most = 3;
    for order in 0..10usize.pow(most) {
        let mut world = TestState::new();
        // A stream that has begun.
        world.step(Step::Say(0));
        world.step(Step::Read(0));
        for place in 0..most {
            world.step(steps[order / 10usize.pow(place) % 10]);
        }
        world.check();
    }
}
