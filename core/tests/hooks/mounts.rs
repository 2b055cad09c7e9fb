//! Hooks of servers that are mounted in other servers.

use crate::Events;
use crate::waiting::waits;
use serde_json::json;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;
use tenon_mcp::testing::Client;
use tenon_mcp::{CallError, Hook, ServeOptions, Server};

#[tokio::test]
async fn what_is_mounted_starts_and_stops_along_once() {
    let told = Events::default();
    let (outer, middle, inner) = (Server::new("a", "1"), Server::new("b", "1"), Server::new("c", "1"));
    for (server, name) in [(&outer, "outer"), (&middle, "middle"), (&inner, "inner")] {
        told.of(server, name);
    }
    outer.mount(&middle, "m").unwrap();
    middle.mount(&inner, "i").unwrap();
    outer.mount(&inner, "again").unwrap();
    let whole = ["outer start", "middle start", "inner start", "inner stop", "middle stop", "outer stop"];
    let serve = async || {
        let running = outer.start(ServeOptions::new().in_process()).unwrap();
        let started = running.started().await;
        running.close();
        running.closed().await;
        started
    };
    serve().await.unwrap();
    assert_eq!(told.all(), whole);
    // One fails: those that have started are told of the stop.
    told.0.lock().unwrap().clear();
    inner.remove(tenon_mcp::Kind::Hook, "start");
    inner.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no")) }).unwrap();
    serve().await.unwrap_err();
    assert_eq!(told.all(), ["outer start", "middle start", "middle stop", "outer stop"]);
}

#[tokio::test]
async fn what_is_mounted_while_the_server_runs_starts_before_its_calls_and_stops_along() {
    let told = Events::default();
    let (outer, middle, inner) = (Server::new("a", "1"), Server::new("b", "1"), Server::new("c", "1"));
    told.of(&outer, "outer");
    told.tool(&outer, "own");
    outer.mount(&middle, "m").unwrap();
    told.tool(&inner, "work");
    let began = told.clone();
    let (entered, go) = waits(&inner, move || began.note("inner start"));
    let ended = told.clone();
    inner
        .on(Hook::Stop, move || {
            ended.note("inner stop");
            std::future::ready(())
        })
        .unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    let client = Client::new(&outer).unwrap();
    // By way of a server that is mounted itself, and twice.
    middle.mount(&inner, "i").unwrap();
    outer.mount(&inner, "again").unwrap();
    entered.notified().await;
    let calls = ["m_i_work", "again_work"].map(|name| client.call_tool(name, json!({})));
    let [mut first, mut second] = calls.map(Box::pin);
    poll_fn(|cx| {
        assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    // Others do not wait.
    assert_eq!(client.call_tool("own", json!({})).await.unwrap().text(), "own");
    assert_eq!(told.all(), ["outer start", "own"]);
    go.notify_one();
    assert_eq!(first.await.unwrap().text(), "work");
    assert_eq!(second.await.unwrap().text(), "work");
    // What fails takes nothing with it but its own calls, also when it is mounted again.
    let bad = Server::new("d", "1");
    told.tool(&bad, "never");
    bad.on(Hook::Start, || async { Err::<(), _>(CallError::tool("no")) }).unwrap();
    outer.mount(&bad, "bad").unwrap();
    outer.mount(&bad, "worse").unwrap();
    for name in ["bad_never", "worse_never"] {
        let error = client.call_tool(name, json!({})).await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("has not started"), "{error}");
    }
    assert_eq!(client.call_tool("own", json!({})).await.unwrap().text(), "own");
    // One that cannot be mounted has nothing started, and can be later.
    let late = Server::new("e", "1");
    told.of(&late, "late");
    told.tool(&late, "work");
    outer.mount(&late, "again").unwrap_err();
    outer.mount(&late, "late").unwrap();
    assert_eq!(client.call_tool("late_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    let whole = ["outer start", "own", "inner start", "work", "work", "own", "late start", "work"];
    assert_eq!(told.all(), [&whole[..], &["late stop", "inner stop", "outer stop"]].concat());
    // The next time all are there from the beginning, and one that fails is why nothing is served.
    told.0.lock().unwrap().clear();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    go.notify_one();
    running.started().await.unwrap_err();
    running.closed().await;
    assert!(told.all().starts_with(&["outer start".into(), "inner start".into()]), "{:?}", told.all());
}

#[tokio::test]
async fn what_is_mounted_during_the_start_belongs_to_it() {
    let (told, outer, inner) = (Events::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&inner, "inner");
    told.tool(&inner, "work");
    let (entered, go) = waits(&outer, || {});
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    outer.mount(&inner, "i").unwrap();
    assert!(told.all().is_empty());
    go.notify_one();
    running.started().await.unwrap();
    let client = Client::new(&outer).unwrap();
    assert_eq!(client.call_tool("i_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["inner start", "work", "inner stop"]);
}

#[tokio::test]
async fn what_is_unmounted_before_its_start_is_not_told_of_it() {
    let told = Events::default();
    let [outer, inner, other] = ["a", "b", "c"].map(|name| Server::new(name, "1"));
    told.of(&inner, "inner");
    told.of(&other, "other");
    told.tool(&inner, "work");
    outer.mount(&inner, "i").unwrap();
    outer.mount(&other, "o").unwrap();
    let (entered, go) = waits(&outer, || {});
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    entered.notified().await;
    let client = Client::new(&outer).unwrap();
    let mut waiting = Box::pin(client.call_tool("i_work", json!({})));
    poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    outer.unmount(&inner, "i").unwrap();
    // Its handlers need what its start makes.
    let error = waiting.await.unwrap_err().to_string();
    assert!(error.contains("i_work") && error.contains("has not started"), "{error}");
    go.notify_one();
    running.started().await.unwrap();
    assert_eq!(told.all(), ["other start"]);
    // Later it starts like any other.
    outer.mount(&inner, "i").unwrap();
    assert_eq!(client.call_tool("i_work", json!({})).await.unwrap().text(), "work");
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["other start", "inner start", "work", "inner stop", "other stop"]);
}

#[tokio::test]
async fn what_is_unmounted_after_its_start_is_told_of_the_stop_at_the_end() {
    let (told, outer, inner) = (Events::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&outer, "outer");
    told.of(&inner, "inner");
    outer.mount(&inner, "i").unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    outer.unmount(&inner, "i").unwrap();
    drop(inner);
    assert_eq!(told.all(), ["outer start", "inner start"]);
    running.close();
    running.closed().await;
    assert_eq!(told.all(), ["outer start", "inner start", "inner stop", "outer stop"]);
}

#[tokio::test]
async fn an_end_cuts_off_the_start_of_what_was_mounted_late() {
    let (told, outer, inner) = (Events::default(), Server::new("a", "1"), Server::new("b", "1"));
    told.of(&outer, "outer");
    let (entered, _go) = waits(&inner, || panic!("it is cut off"));
    let stop = told.clone();
    inner
        .on(Hook::Stop, move || {
            stop.note("inner stop");
            std::future::ready(())
        })
        .unwrap();
    let running = outer.start(ServeOptions::new().in_process()).unwrap();
    running.started().await.unwrap();
    outer.mount(&inner, "i").unwrap();
    entered.notified().await;
    running.close_within(Duration::ZERO);
    running.closed().await;
    assert_eq!(told.all(), ["outer start", "outer stop"]);
}
