//! Ten thousand calls in flight, with cancellations and timeouts. Each id gets one answer, or none if it was cancelled.

use crate::client::*;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    CallId, Context, Event, HandlerId, HostOp, HostPort, Lane, LaneId, Limits, Outcome, Parker, Server,
    Target, Tool, handler,
};

const CALLS: u64 = 10_000;
const TIMEOUT: Duration = Duration::from_millis(40);

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The kind of a request, which decides how it may end.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    /// The call ends at once or soon.
    Ends,
    /// The call does not end, and has a short timeout.
    TimesOut,
    /// The call does not end, and has a long timeout. It is always cancelled.
    Waits,
}

impl Kind {
    fn tool(self, n: u64) -> &'static str {
        match self {
            Kind::Ends => ["quick", "soon"][n as usize % 2],
            Kind::TimesOut => "never",
            Kind::Waits => "wait",
        }
    }
}

struct Plan {
    lines: Vec<u8>,
    kinds: Vec<Kind>,
    cancelled: HashSet<u64>,
}

/// The whole input: calls in both eras, and cancellations of some calls that were sent shortly before.
fn plan(seed: u64) -> Plan {
    let mut random = Random(seed);
    let mut plan = Plan { lines: Vec::new(), kinds: Vec::new(), cancelled: HashSet::new() };
    let mut due: Vec<(u64, u64)> = Vec::new();
    for id in 0..CALLS {
        let kind = match random.below(10) {
            0 => Kind::TimesOut,
            1 => Kind::Waits,
            _ => Kind::Ends,
        };
        plan.kinds.push(kind);
        let mut request = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": kind.tool(id), "arguments": { "n": id } } });
        if random.below(4) == 0 {
            request["params"]["_meta"]["progressToken"] = json!(id);
        }
        if random.below(2) == 0 {
            request = modern(request);
        }
        writeln!(plan.lines, "{request}").unwrap();
        if kind == Kind::Waits || random.below(8) == 0 {
            due.push((id + random.below(200), id));
        }
        let last = id + 1 == CALLS;
        due.retain(|&(when, cancelled)| {
            if when > id && !last {
                return true;
            }
            plan.cancelled.insert(cancelled);
            let notification = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": { "requestId": cancelled } });
            writeln!(plan.lines, "{notification}").unwrap();
            false
        });
    }
    writeln!(plan.lines, "{}", json!({ "jsonrpc": "2.0", "id": "fence", "method": "ping" })).unwrap();
    plan
}

fn build() -> Server {
    let mut limits = Limits::default();
    limits.max_calls = 2 * CALLS as usize;
    limits.max_lane_calls = 2 * CALLS as usize;
    limits.max_peer_calls = 2 * CALLS as usize;
    limits.drain_timeout = Duration::from_secs(600);
    Server::builder("pipelined", "1").limits(limits).build().unwrap()
}

fn tool(name: &str) -> Tool {
    let tool = Tool::new(name).input_schema(open_schema());
    if name == "never" { tool.timeout(TIMEOUT) } else { tool }
}

/// Sends the plan, and checks everything that comes back up to the end of the output.
fn run(client: &mut Client, plan: Plan) {
    client.initialize();
    let mut input = client.take_input();
    let writer = std::thread::spawn(move || {
        input.write_all(&plan.lines).unwrap();
        input
    });
    let must = (0..CALLS).filter(|id| !plan.cancelled.contains(id)).count();
    let mut answered: HashMap<u64, Value> = HashMap::new();
    let mut progress: HashMap<u64, f64> = HashMap::new();
    let (mut outstanding, mut fence) = (must, false);
    let mut held = None;
    while outstanding > 0 || !fence {
        let message = client.receive().expect("the server goes on");
        if message["id"] == "fence" {
            fence = true;
            held = Some(());
            continue;
        }
        if message.get("method").is_some() {
            let token = message["params"]["progressToken"].as_u64().unwrap();
            let value = message["params"]["progress"].as_f64().unwrap();
            assert!(!answered.contains_key(&token), "progress after the answer: {message}");
            assert!(progress.insert(token, value).is_none_or(|last| last < value), "no step: {message}");
            continue;
        }
        let id = message["id"].as_u64().unwrap_or_else(|| panic!("no id: {message}"));
        if !plan.cancelled.contains(&id) {
            outstanding -= 1;
        }
        assert!(answered.insert(id, message).is_none(), "{id} was answered twice");
    }
    assert_eq!(held, Some(()));
    // The input stays open until everything has come, so that nothing ends because of its end.
    drop(writer.join().unwrap());
    assert_eq!(client.receive(), None, "nothing is left over");
    for (id, message) in &answered {
        let kind = plan.kinds[*id as usize];
        let text = text(message);
        match kind {
            Kind::Ends => assert_eq!(text, id.to_string()),
            Kind::TimesOut => assert_eq!(text, "tool \"never\" timed out after 40 ms"),
            Kind::Waits => panic!("a call that does not end was answered: {message}"),
        }
    }
    let waits = plan.kinds.iter().filter(|kind| **kind == Kind::Waits).count();
    assert!(answered.len() <= CALLS as usize - waits && answered.len() >= must);
    assert!(progress.len() > 100);
}

#[test]
fn rust_handlers_answer_each_call_once() {
    let server = build();
    let progress = |context: &Context| {
        context.progress(1.0, None, None);
        context.progress(2.0, Some(2.0), Some("two"));
    };
    let add = |name: &str, ends: Option<u64>| {
        let called = handler(move |arguments: Value, context: Context| async move {
            let n = arguments["n"].as_u64().unwrap();
            progress(&context);
            match ends {
                Some(0) => {}
                Some(most) => tokio::time::sleep(Duration::from_micros(n * 7919 % most)).await,
                None => std::future::pending().await,
            }
            Ok::<_, String>(n)
        });
        server.tool(tool(name), called).unwrap();
    };
    add("quick", Some(0));
    add("soon", Some(20_000));
    add("never", None);
    add("wait", None);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (mut client, running) = Client::start(&server);
    run(&mut client, plan(0x1234_5678_9ABC_DEF1));
    assert!(running.wait_for(WAIT_LIMIT));
    assert_eq!(server.engine().in_flight(), 0);
}

/// The state that the threads of the host share.
#[derive(Default)]
struct Host {
    /// Delivered calls that never end, and whether the engine has reported their end.
    endless: Mutex<HashMap<CallId, bool>>,
    /// Delivered calls that must be completed, in any order.
    open: Mutex<Vec<(CallId, String)>>,
}

const ENDS: HandlerId = HandlerId(1);
const ENDLESS: HandlerId = HandlerId(2);

/// One thread of the host. It drains its lane, and completes its own calls and those of other threads, out of order.
fn serve_lane(host: &Host, port: &HostPort, lane: &Lane, parker: &Parker, mut random: Random) {
    let mut ops = Vec::new();
    while parker.park() {
        lane.drain(64, Duration::from_millis(2), &mut ops);
        for op in ops.drain(..) {
            match op {
                HostOp::Call(call) => {
                    let n = call.input.member("n").unwrap().to_string();
                    let event = Event::progress(1.0, None, None);
                    let _ = port.emit(call.id, event);
                    match call.handler {
                        ENDS => host.open.lock().push((call.id, n)),
                        ENDLESS => assert!(host.endless.lock().insert(call.id, false).is_none()),
                        other => panic!("{other:?}"),
                    }
                }
                HostOp::Cancel { call, .. } => {
                    if let Some(over) = host.endless.lock().get_mut(&call) {
                        assert!(!std::mem::replace(over, true), "told twice");
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        // Leave some for later and for others; the last to park takes what is left.
        loop {
            let next = {
                let mut open = host.open.lock();
                let place = random.below(open.len().max(1) as u64) as usize;
                (place < open.len()).then(|| open.swap_remove(place))
            };
            let Some((id, text)) = next else { break };
            let done = port.complete(id, Outcome::Text(text.clone()));
            assert!(done.is_err() || port.complete(id, Outcome::Text(text)).is_err(), "completed twice");
        }
    }
}

#[test]
fn a_host_of_threads_completes_out_of_order() {
    let server = build();
    let lanes = ["quick", "soon", "never", "wait"];
    for (number, name) in lanes.iter().enumerate() {
        let handler = if number < 2 { ENDS } else { ENDLESS };
        server.add(tool(name), Target::Lane { lane: LaneId(number as u32), handler }).unwrap();
    }
    let host = Arc::new(Host::default());
    let parkers: Vec<_> = lanes.iter().map(|_| Arc::new(Parker::new())).collect();
    let threads: Vec<_> = parkers
        .iter()
        .enumerate()
        .map(|(number, parker)| {
            let (host, parker, port) = (host.clone(), parker.clone(), server.port());
            std::thread::spawn(move || {
                let lane = port.lane(LaneId(number as u32), parker.clone());
                serve_lane(&host, &port, &lane, &parker, Random(number as u64 + 77));
            })
        })
        .collect();
    let (mut client, running) = Client::start(&server);
    run(&mut client, plan(0x0FED_CBA9_8765_4321));
    assert!(running.wait_for(WAIT_LIMIT));
    assert_eq!(server.engine().in_flight(), 0);
    for parker in &parkers {
        parker.close();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    // Whatever the threads had not drained yet.
    for number in 0..lanes.len() {
        let lane = server.port().lane(LaneId(number as u32), Arc::new(Parker::new()));
        let mut ops = Vec::new();
        while lane.drain(64, Duration::MAX, &mut ops) == tenon_mcp::Drained::More {}
        for op in ops {
            let HostOp::Cancel { call, .. } = op else { panic!("{op:?}") };
            if let Some(over) = host.endless.lock().get_mut(&call) {
                *over = true;
            }
        }
    }
    let endless = host.endless.lock();
    assert!(endless.len() > 500);
    assert!(endless.values().all(|over| *over), "the host was told of every end");
}
