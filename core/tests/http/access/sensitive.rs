//! Audit events and confirmations over HTTP: what is refused, and which identity an event has.

use super::*;
use crate::support::bench::{Part, Pending, poll_body};
use crate::{events, initialize, notification};
use tenon_mcp::locks::Mutex;
use tenon_mcp::observer::{Event, EventKind, Interests, Observer};
use tenon_mcp::{HostFunctionKind, HostOp, Outcome};

/// The audit events of a server, as text.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl Observer for Events {
    fn interests(&self) -> Interests {
        Interests::of(&[EventKind::CallAudited])
    }

    fn observe(&self, event: &Event<'_>) {
        let Event::CallAudited { record, .. } = event else { panic!("{event:?}") };
        self.0.lock().push((*record).to_owned());
    }
}

impl Events {
    /// The only event. It does not have `secret`.
    #[track_caller]
    fn one(&self, secret: &str) -> Value {
        let all = std::mem::take(&mut *self.0.lock());
        assert_eq!(all.len(), 1, "{all:#?}");
        assert!(!all[0].contains(secret), "{}", all[0]);
        serde_json::from_str(&all[0]).unwrap()
    }
}

fn audited(policies: Value) -> (Bench, Arc<Events>) {
    let events = Arc::new(Events::default());
    let bench = bench(|builder| builder.observer(events.clone()));
    add(&bench, Kind::Tool, "pay", &policies);
    (bench, events)
}

const SECRET: &str = "hunter2";

/// A caller whose claims and credentials have the secret.
fn caller_with(scopes: &[&str]) -> String {
    json!({ "subject": "ann", "client_id": "app", "scopes": scopes, "roles": ["clerk"], "claims": { "jti": SECRET } })
        .to_string()
}

fn start(bench: &Bench, caller: Option<&str>) -> Pending {
    let arguments = json!({ "amount": 5, "card": SECRET });
    let message = request(1, "tools/call", envelope(json!({ "name": "pay", "arguments": arguments })));
    let token = format!("Bearer {SECRET}");
    let mut headers = vec![
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "pay"),
        ("authorization", &*token),
    ];
    headers.extend(caller.map(|caller| ("x-caller", caller)));
    bench.post(&headers, &message)
}

#[test]
fn a_call_that_is_not_permitted_has_an_event_with_its_identity() {
    let (bench, events) = audited(json!({ "audit": ["amount"], "scopes": ["pay"] }));
    assert_eq!(start(&bench, None).finish().status, 401);
    let nobody = events.one(SECRET);
    assert_eq!((&nobody["outcome"], &nobody["stage"]), (&json!("refused"), &json!("authorization")));
    assert_eq!((&nobody["subject"], &nobody["arguments"]), (&Value::Null, &json!({ "amount": 5 })));

    assert_eq!(start(&bench, Some(&caller_with(&["read"]))).finish().status, 403);
    let ann = events.one(SECRET);
    assert_eq!((&ann["outcome"], &ann["stage"]), (&json!("refused"), &json!("authorization")));
    assert_eq!(
        (&ann["subject"], &ann["issuer"], &ann["client_id"]),
        (&json!("ann"), &json!("https://issuer.example"), &json!("app"))
    );

    let mut pending = start(&bench, Some(&caller_with(&["pay"])));
    assert!(pending.poll().is_none(), "a handler runs");
    assert!(events.0.lock().is_empty());
    bench.complete(bench.take_call(), SECRET);
    let ok = events.one(SECRET);
    assert_eq!((&ok["outcome"], &ok["subject"]), (&json!("ok"), &json!("ann")));
    assert!(ok.get("roles").is_none() && ok.get("claims").is_none());
}

#[test]
fn a_call_that_the_authorizer_refuses_has_an_event_and_is_not_confirmed() {
    let (bench, events) = audited(json!({ "audit": true, "confirm": "Pay?" }));
    let authorizer = Target::Lane { lane: LaneId(1), handler: HandlerId(91) };
    bench.server.set_function(HostFunctionKind::Authorizer, authorizer, None, &[]).unwrap();
    let mut pending = start(&bench, Some(&caller_with(&[])));
    assert!(pending.poll().is_none());
    let ops = bench.ops();
    let [HostOp::Call(question)] = &ops[..] else { panic!("{ops:?}") };
    let no = Outcome::Json(JsonSlice::from_value(&json!("only on Mondays")));
    bench.server.port().complete(question.id, no).unwrap();
    let refused = whole(pending.poll().unwrap());
    assert_eq!(refused.status, 403, "{refused:?}");
    let record = events.one(SECRET);
    assert_eq!(
        (&record["outcome"], &record["stage"], &record["by"]),
        (&json!("refused"), &json!("authorization"), &json!("authorizer"))
    );
}

#[test]
fn the_question_of_a_session_comes_on_the_stream_of_its_call() {
    let (bench, observed) = audited(json!({ "audit": true, "confirm": "Pay?" }));
    let mut begin = initialize("2025-11-25");
    begin["params"]["capabilities"] = json!({ "elicitation": {} });
    let reply = bench.post(&[], &begin).finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let headers = [("mcp-session-id", &*session)];
    bench.post(&headers, &notification("notifications/initialized", json!({}))).finish();
    let mut pending = bench.post(&headers, &request(7, "tools/call", json!({ "name": "pay" })));
    let response = pending.poll().expect("the stream begins with the question");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut read = || match poll_body(&mut body, &Arc::default()) {
        Part::Data(data) => events(&data),
        _ => Vec::new(),
    };
    let question = read().into_iter().find(|event| event["method"] == "elicitation/create").unwrap();
    assert_eq!(question["params"]["message"], "Pay?");
    assert!(bench.ops().is_empty());
    let answer =
        json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "accept", "content": {} } });
    assert_eq!(bench.post(&headers, &answer).finish().status, 202);
    bench.complete(bench.take_call(), "paid");
    let result = read().into_iter().find(|event| event["id"] == 7).unwrap();
    assert_eq!(result["result"]["content"][0]["text"], "paid");
    assert_eq!(observed.one(SECRET)["outcome"], "ok");
}
