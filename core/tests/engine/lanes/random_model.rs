//! Random sequences of actions of a client, a host and the clock, which are compared with a model. Each request gets
//! one answer, or none if it was cancelled.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tenon_mcp::{AskError, AskMode, Asked, CallId, CancelReason, Drained, Event, HostOp, Outcome};

const TABLE: usize = 12;
const LANE_LIMIT: usize = 6;
const MS: Duration = Duration::from_millis(1);
const ASK_TIMEOUT: Duration = Duration::from_millis(200);
const SLOW: Duration = Duration::from_millis(120);
const FAST: Duration = Duration::from_millis(50);

/// One request that became a call.
struct Call {
    id: u64,
    modern: bool,
    drained_lane: bool,
    timeout: Duration,
    deadline: Duration,
    live: bool,
    /// The id of the call, after it was delivered.
    call: Option<CallId>,
    delivered: bool,
    parked: bool,
    progress: u32,
    /// The questions of this attempt, those without an answer, those with an answer, and whether a question of this
    /// attempt was new.
    keys: BTreeSet<&'static str>,
    pending: BTreeMap<&'static str, Option<Value>>,
    answered: BTreeSet<&'static str>,
    fresh: bool,
}

struct Model {
    bench: Bench,
    random: Random,
    now: Duration,
    calls: Vec<Call>,
    /// Operations besides calls that the host has not drained yet.
    owed_cancels: Vec<usize>,
    owed_answers: usize,
    /// The questions that were sent, each with its call and its key.
    questions: Vec<(Value, usize, &'static str)>,
}

impl Model {
    fn new(seed: u64) -> Model {
        let bench = Bench::legacy_with(|limits| {
            limits.max_calls = TABLE;
            limits.max_lane_calls = LANE_LIMIT;
            limits.call_timeout = SLOW;
            limits.ask_timeout = ASK_TIMEOUT;
        });
        let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Model {
            bench,
            random,
            now: Duration::ZERO,
            calls: Vec::new(),
            owed_cancels: Vec::new(),
            owed_answers: 0,
            questions: Vec::new(),
        }
    }

    fn live(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|call| call.live && wanted(call)).count()
    }

    /// The number of operations in the lane that may not be dropped.
    fn queued(&self) -> usize {
        self.owed_cancels.len()
            + self.owed_answers
            + self.live(|call| call.drained_lane && !call.delivered && !call.parked)
    }

    /// Picks a random call for which `wanted` returns `true`.
    fn pick(&mut self, wanted: impl Fn(&Call) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.calls.len()).filter(|&place| wanted(&self.calls[place])).collect();
        (!found.is_empty()).then(|| found[self.random.below(found.len())])
    }

    /// Ends a call without its handler. If the host works on the call, it must be told.
    fn end(&mut self, place: usize) {
        let call = &mut self.calls[place];
        call.live = false;
        call.pending.clear();
        if call.delivered && !call.parked {
            self.owed_cancels.push(place);
        }
    }

    /// Compares the responses that were sent with the ids that must have been answered. Returns the other messages.
    #[track_caller]
    fn expect(&mut self, mut answered: Vec<u64>) -> Vec<Value> {
        let (responses, rest): (Vec<Value>, Vec<Value>) =
            self.bench.sink.take().into_iter().partition(|message| message.get("method").is_none());
        let mut ids: Vec<u64> = responses.iter().map(|response| response["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        answered.sort_unstable();
        assert_eq!(ids, answered);
        rest.into_iter().filter(|message| message["method"] != "notifications/cancelled").collect()
    }

    #[track_caller]
    fn expect_only(&mut self, answered: Vec<u64>) {
        let rest = self.expect(answered);
        assert!(rest.is_empty(), "{rest:?}");
    }

    fn receive(&mut self) {
        let id = self.random.below(16) as u64;
        let modern_era = self.random.below(2) == 0;
        let (tool, timeout, drained_lane) =
            [("slow", SLOW, true), ("fast", FAST, true), ("other", SLOW, false)][self.random.below(3)];
        let mut request = call(json!(id), tool, json!({}));
        request["params"]["_meta"]["progressToken"] = json!(self.calls.len());
        let refused = self.live(|call| call.drained_lane == drained_lane) >= LANE_LIMIT
            || self.live(|_| true) >= TABLE
            || self.live(|call| call.id == id) > 0
            || drained_lane && self.queued() >= 2 * LANE_LIMIT;
        self.bench.send(if modern_era { modern(request) } else { request });
        self.expect_only(if refused { vec![id] } else { vec![] });
        if !refused {
            self.calls.push(Call {
                id,
                modern: modern_era,
                drained_lane,
                timeout,
                deadline: self.now + timeout,
                live: true,
                call: None,
                delivered: false,
                parked: false,
                progress: 0,
                keys: BTreeSet::new(),
                pending: BTreeMap::new(),
                answered: BTreeSet::new(),
                fresh: false,
            });
        }
    }

    fn drain(&mut self) {
        let mut ops = Vec::new();
        let max = 1 + self.random.below(20);
        let drained = self.bench.lane.drain(max, Duration::MAX, &mut ops);
        for op in ops {
            match op {
                HostOp::Call(host) => {
                    let id: u64 = host.context.request_id.as_ref().unwrap().raw().as_str().parse().unwrap();
                    let place = self.calls.iter().position(|call| call.live && call.id == id);
                    let call = &mut self.calls[place.expect("a delivered call is in flight")];
                    assert!(call.drained_lane && !call.delivered && !call.parked);
                    assert!(call.call.is_none_or(|known| known == host.id));
                    call.call = Some(host.id);
                    call.delivered = true;
                }
                HostOp::Cancel { call, .. } => {
                    let owed =
                        self.owed_cancels.iter().position(|&place| self.calls[place].call == Some(call));
                    self.owed_cancels.remove(owed.expect("the host saw the call and was not told yet"));
                }
                HostOp::Answer { .. } => {
                    self.owed_answers = self.owed_answers.checked_sub(1).expect("an owed answer")
                }
                other => panic!("nobody asked for {other:?}"),
            }
        }
        if drained == Drained::Empty {
            assert_eq!(self.queued(), 0, "an empty lane owes nothing");
        }
        self.expect_only(vec![]);
    }

    /// Completes a random call. A host may complete any call that it ever received.
    fn complete(&mut self) {
        let Some(place) = self.pick(|call| call.call.is_some()) else { return };
        let outcome = match self.random.below(3) {
            0 => Outcome::Text("text".into()),
            1 => Outcome::Failed("failed".into()),
            _ => Outcome::Json(tenon_mcp::JsonSlice::null()),
        };
        let call = &mut self.calls[place];
        let (id, live) = (call.id, std::mem::take(&mut call.live));
        call.pending.clear();
        assert_eq!(self.bench.port.complete(call.call.unwrap(), outcome).is_ok(), live);
        self.expect_only(if live { vec![id] } else { vec![] });
    }

    fn cancel(&mut self) {
        let id = self.random.below(16) as u64;
        self.bench.cancel(id);
        if let Some(place) = self.calls.iter().position(|call| call.live && call.id == id) {
            self.end(place);
        }
        self.expect_only(vec![]);
    }

    fn disconnect(&mut self) {
        let Some(place) = self.pick(|call| call.call.is_some()) else { return };
        let live = self.calls[place].live;
        let call = self.calls[place].call.unwrap();
        assert_eq!(self.bench.engine.cancel(call, CancelReason::Disconnected), live);
        if live {
            self.end(place);
        }
        self.expect_only(vec![]);
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.bench.advance(by);
        let mut answered = Vec::new();
        for place in 0..self.calls.len() {
            if self.calls[place].live && self.calls[place].deadline <= self.now {
                self.end(place);
                answered.push(self.calls[place].id);
            }
        }
        self.expect_only(answered);
    }

    fn progress(&mut self) {
        let Some(place) = self.pick(|call| call.call.is_some()) else { return };
        let value = self.random.below(10) as u32;
        let event = Event::progress(value.into(), None, None);
        let call = &mut self.calls[place];
        assert_eq!(self.bench.port.emit(call.call.unwrap(), event).is_ok(), call.live);
        let goes_out = call.live && value >= call.progress;
        if goes_out {
            call.progress = value + 1;
        }
        let sent = self.expect(vec![]);
        assert_eq!(sent.len(), usize::from(goes_out), "{sent:?}");
        if let Some(message) = sent.first() {
            assert_eq!(message["params"], json!({ "progressToken": place, "progress": value }));
        }
    }

    fn ask(&mut self) {
        let Some(place) = self.pick(|call| call.delivered && !call.parked) else { return };
        let key = ["a", "b", "c"][self.random.below(3)];
        let mode = [AskMode::Park, AskMode::Rerun][self.random.below(2)];
        let call = &mut self.calls[place];
        let asked = self.bench.port.ask(call.call.unwrap(), ask(key), mode);
        let mut goes_out = false;
        match asked {
            Err(AskError::Stale) => assert!(!call.live),
            Err(AskError::Invalid(_)) => assert!(call.live && call.keys.contains(key)),
            Ok(Asked::Answered(_)) => {
                assert!(call.live && call.keys.insert(key) && call.answered.contains(key))
            }
            Ok(Asked::Waiting(_)) | Ok(Asked::Suspended) => {
                assert!(call.live && call.keys.insert(key) && !call.answered.contains(key));
                assert_eq!(matches!(asked, Ok(Asked::Waiting(_))), !call.modern && mode == AskMode::Park);
                goes_out = !call.modern;
                call.fresh = true;
                call.pending.insert(key, None);
                if goes_out {
                    call.deadline = self.now + ASK_TIMEOUT;
                }
            }
            Err(other) => panic!("{other}"),
        }
        let sent = self.expect(vec![]);
        assert_eq!(sent.len(), usize::from(goes_out), "{sent:?}");
        if let Some(question) = sent.into_iter().next() {
            self.calls[place].pending.insert(key, Some(question["id"].clone()));
            self.questions.push((question, place, key));
        }
    }

    fn answer(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        let chosen = self.random.below(self.questions.len());
        let (question, place, key) = self.questions[chosen].clone();
        self.bench.answer(&question, accept("x"));
        let call = &mut self.calls[place];
        let waited =
            call.live && call.pending.get(key).is_some_and(|id| id.as_ref() == Some(&question["id"]));
        let mut answered = vec![];
        if waited {
            call.pending.remove(key);
            call.answered.insert(key);
            if call.pending.is_empty() {
                call.deadline = self.now + call.timeout;
            }
            if !call.parked {
                self.owed_answers += 1;
            } else if call.pending.is_empty() {
                answered = self.rerun(place);
            }
        }
        self.expect_only(answered);
    }

    /// Records that the handler runs again, unless its queue refuses the call.
    fn rerun(&mut self, place: usize) -> Vec<u64> {
        let refused = self.queued() >= 2 * LANE_LIMIT;
        let call = &mut self.calls[place];
        (call.parked, call.delivered, call.fresh) = (false, false, false);
        call.keys.clear();
        if refused {
            call.live = false;
            return vec![call.id];
        }
        vec![]
    }

    fn suspend(&mut self) {
        let Some(place) = self.pick(|call| call.delivered && !call.parked) else { return };
        let call = &self.calls[place];
        let done = self.bench.port.complete(call.call.unwrap(), Outcome::Suspend);
        assert_eq!(done.is_ok(), call.live);
        let mut answered = vec![];
        if call.live && !call.modern && call.fresh {
            self.calls[place].parked = true;
            if self.calls[place].pending.is_empty() {
                answered = self.rerun(place);
            }
        } else if call.live {
            answered.push(call.id);
            if call.pending.is_empty() {
                self.calls[place].live = false;
            } else {
                self.end(place);
            }
        }
        self.expect_only(answered);
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..5 => self.receive(),
            5..9 => self.drain(),
            9 => self.complete(),
            10 => self.cancel(),
            11 => self.disconnect(),
            12 => {
                let by = self.random.below(60) as u32 * MS;
                self.advance(by);
            }
            13 => self.progress(),
            14..17 => self.ask(),
            17..19 => self.answer(),
            _ => self.suspend(),
        }
        let live = self.live(|_| true);
        assert_eq!((self.bench.engine.in_flight(), self.bench.peer.in_flight()), (live, live));
        let questions: usize = self
            .calls
            .iter()
            .map(|call| call.pending.values().filter(|question| question.is_some()).count())
            .sum();
        assert_eq!(self.bench.peer.questions(), questions);
    }

    /// Ends the remaining calls, by the clock or by a disconnect of the peer.
    fn finish(&mut self) {
        match self.random.below(3) {
            0 => self.advance(Duration::from_secs(1)),
            way => {
                if way == 1 {
                    self.bench.engine.end_input(&self.bench.peer);
                    for place in 0..self.calls.len() {
                        if self.calls[place].live && !self.calls[place].pending.is_empty() {
                            self.end(place);
                        }
                    }
                    self.expect_only(vec![]);
                }
                self.bench.engine.close_peer(&self.bench.peer, CancelReason::Disconnected);
                for place in 0..self.calls.len() {
                    if self.calls[place].live {
                        self.end(place);
                    }
                }
                self.expect_only(vec![]);
            }
        }
        while self.queued() > 0 {
            self.drain();
        }
        self.bench.assert_settled();
    }
}

#[test]
fn every_request_is_answered_once_or_cancelled() {
    let mut calls = 0;
    let mut asked = 0;
    for seed in 0..120 {
        let run = std::panic::catch_unwind(|| {
            let mut model = Model::new(seed);
            for _ in 0..400 {
                model.step();
            }
            model.finish();
            (model.calls.len(), model.questions.len())
        });
        let (these, questions) = run.unwrap_or_else(|_| panic!("seed {seed}"));
        calls += these;
        asked += questions;
    }
    // The steps must not have run dry.
    assert!(calls > 5000 && asked > 500, "{calls} calls, {asked} questions");
}
