//! Subscriptions to what the program lets a caller see and read.

use super::visible::{AUTHORIZER, begin, decide, hiding, is_open};
use super::*;
use crate::notification;
use crate::support::bench::{Part, poll_body};
use tenon_mcp::{HostFunctionKind, HostOp, Outcome};

fn event(body: &mut ResponseBody) -> Value {
    let Part::Data(data) = poll_body(body, &Arc::default()) else { panic!("no event") };
    let text = String::from_utf8_lossy(&data).into_owned();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(data).unwrap()
}

/// The acknowledgement names what the client will be notified of (SU-4).
#[test]
fn listen_streams_have_what_both_functions_permit() {
    let bench = hiding();
    bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]).unwrap();
    let resources =
        ["a://open", "a://secret", "b://open/1", "b://open/forbidden", "b://secret/1", "c://absent"];
    let params = json!({ "notifications": { "resourceSubscriptions": resources } });
    let mut pending = begin(&bench, None, "subscriptions/listen", params);
    let (questions, _) = decide(&bench, |question| match question.get("arguments") {
        Some(_) => json!(!question["name"].as_str().unwrap().contains("forbidden")),
        None => is_open(question),
    });
    assert!(questions.iter().any(|question| question["arguments"] == json!({ "id": "forbidden" })));
    let mut body = pending.poll().unwrap().into_body();
    let acknowledged = event(&mut body);
    let shown = &acknowledged["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(shown, &json!(["a://open", "b://open/1"]), "{acknowledged}");
}

#[test]
fn sessions_subscribe_to_what_both_functions_permit() {
    let bench = hiding();
    bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]).unwrap();
    let session = bench.open();
    let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", "2025-11-25")];
    let _ = bench.post(&headers, &notification("notifications/initialized", json!({}))).finish();
    let subscribe = |id: u64, uri: &str| {
        let message = request(id, "resources/subscribe", json!({ "uri": uri }));
        let mut pending = bench.post(&headers, &message);
        let (mut questions, response) = (Vec::new(), pending.poll());
        if response.is_none() {
            (questions, _) = decide(&bench, |question| match question.get("arguments") {
                Some(_) => json!(!question["name"].as_str().unwrap().contains("forbidden")),
                None => is_open(question),
            });
        }
        let full = whole(response.unwrap_or_else(|| pending.poll().unwrap()));
        (full.status, String::from_utf8_lossy(&full.body).into_owned(), questions.len())
    };
    let (status, body, asked) = subscribe(11, "b://open/1");
    assert!(status == 200 && body.contains("\"result\":{}") && asked == 2, "{status} {body} {asked}");
    let (status, body, asked) = subscribe(12, "b://open/forbidden");
    assert!(
        status == 403 && body.contains("the call is not permitted") && asked == 1,
        "{status} {body} {asked}"
    );
    let (_, body, _) = subscribe(13, "a://secret");
    let (_, absent, asked) = subscribe(13, "a://absent");
    assert_eq!(body.replace("secret", "absent"), absent);
    assert_eq!(asked, 0);
}

#[test]
fn a_request_that_has_ended_has_no_effect() {
    let bench = hiding();
    bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]).unwrap();
    let session = bench.open();
    let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", "2025-11-25")];
    let _ = bench.post(&headers, &notification("notifications/initialized", json!({}))).finish();
    let subscribe = request(11, "resources/subscribe", json!({ "uri": "a://open" }));
    let mut pending = bench.post(&headers, &subscribe);
    assert!(pending.poll().is_none());
    // It takes most of its time for the first question, and the rest for the second.
    let time = Limits::default().store_timeout;
    bench.clock.advance(time * 2 / 3);
    let HostOp::Call(first) = bench.ops().remove(0) else { panic!() };
    let yes = || Outcome::Json(JsonSlice::from_value(&json!(true)));
    let _ = bench.server.port().complete(first.id, yes());
    let HostOp::Call(second) = bench.ops().remove(0) else { panic!() };
    bench.clock.advance(time * 2 / 3);
    bench.service.tick();
    let late = String::from_utf8_lossy(&whole(pending.poll().unwrap()).body).into_owned();
    assert!(late.contains("could not decide about this request in time"), "{late}");
    let _ = bench.server.port().complete(second.id, yes());
    let mut stream = bench.listen(&session);
    bench.server.resource_updated("a://open");
    bench.clock.advance(std::time::Duration::from_secs(1));
    bench.service.tick();
    assert!(!matches!(poll_body(&mut stream, &Arc::default()), Part::Data(data) if data.ends_with(b"}\n\n")));
}
