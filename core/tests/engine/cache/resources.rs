//! Cached resources: the hints that clients get, and what an update of a resource removes.

use super::*;

fn resource(bench: &Bench, kind: Kind, name: &str, policies: Value) {
    let mut entry = Entry::new(kind, name);
    entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
    bench.server.add(entry, target()).unwrap();
}

fn read(bench: &Bench, uri: &str) -> (bool, Value) {
    let params = json!({ "uri": uri });
    bench.send(modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params })));
    let runs = begun(bench);
    let ran = !runs.is_empty();
    runs.into_iter().for_each(|run| done(bench, run.id, "text"));
    (ran, bench.sink.one()["result"].clone())
}

fn hints(result: &Value) -> (u64, &str) {
    (result["ttlMs"].as_u64().unwrap(), result["cacheScope"].as_str().unwrap())
}

/// A client is told how long the result stays fresh from now on.
#[test]
fn hints_follow_from_the_cache() {
    let bench = Bench::new();
    resource(&bench, Kind::Resource, "a:own", json!({ "cache": 10_000 }));
    let all = json!({ "ttl": 10_000, "public": true, "stale_while_revalidate": 5000 });
    resource(&bench, Kind::Resource, "a:all", json!({ "cache": all }));
    let set = json!({ "cache": 10_000, "cache_hints": { "ttlMs": 3000, "cacheScope": "public" } });
    resource(&bench, Kind::Resource, "a:set", set);
    for (uri, expected) in
        [("a:own", (10_000, "private")), ("a:all", (10_000, "public")), ("a:set", (3000, "public"))]
    {
        let (ran, result) = read(&bench, uri);
        assert!(ran && hints(&result) == expected, "{uri}: {result}");
    }
    bench.advance(4 * SECOND);
    for (uri, expected) in
        [("a:own", (6000, "private")), ("a:all", (6000, "public")), ("a:set", (3000, "public"))]
    {
        let (ran, result) = read(&bench, uri);
        assert!(!ran && hints(&result) == expected, "{uri}: {result}");
    }
    bench.advance(4 * SECOND);
    assert_eq!(hints(&read(&bench, "a:set").1), (2000, "public"));
    bench.advance(4 * SECOND);
    bench.send(modern(json!({
        "jsonrpc": "2.0", "id": 2, "method": "resources/read", "params": { "uri": "a:all" }
    })));
    assert_eq!(hints(&bench.sink.one()["result"]), (0, "public"), "it is old");
}

/// What a result says about itself counts.
#[test]
fn a_result_may_say_how_long_it_is_fresh() {
    let bench = Bench::new();
    let cache = json!({ "cache": { "ttl": 60_000, "public": true } });
    for (uri, ttl, scope, kept) in [
        ("a:short", 2000, "public", true),
        ("a:never", 0, "public", false),
        ("a:private", 9000, "private", false),
        ("a:long", 900_000, "public", true),
    ] {
        resource(&bench, Kind::Resource, uri, cache.clone());
        let params = json!({ "uri": uri });
        let contents = json!([{ "uri": uri, "text": "x" }]);
        let result = json!({ "contents": contents, "ttlMs": ttl, "cacheScope": scope });
        let request =
            modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params }));
        bench.send(request);
        let run = begun(&bench).pop().unwrap();
        bench.port.complete(run.id, Outcome::Result(JsonSlice::from_value(&result))).unwrap();
        assert_eq!(hints(&bench.sink.one()["result"]), (ttl, scope), "{uri}");
        let (ran, result) = read(&bench, uri);
        assert_eq!(ran, !kept, "{uri}");
        if kept {
            assert_eq!(hints(&result), (ttl.min(60_000), "public"), "{uri}");
        }
    }
    bench.advance(2 * SECOND);
    assert!(read(&bench, "a:short").0 && !read(&bench, "a:long").0);
}

/// What is for one client only does not become public with its second response.
#[test]
fn a_private_result_stays_private() {
    let bench = Bench::new();
    let set = json!({ "cache": 10_000, "cache_hints": { "ttlMs": 9000, "cacheScope": "public" } });
    resource(&bench, Kind::Resource, "a:b", set);
    let result = json!({ "contents": [{ "uri": "a:b", "text": "x" }], "cacheScope": "private" });
    bench.send(modern(
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": "a:b" } }),
    ));
    let run = begun(&bench).pop().unwrap();
    bench.port.complete(run.id, Outcome::Result(JsonSlice::from_value(&result))).unwrap();
    assert_eq!(bench.sink.one()["result"]["cacheScope"], "private");
    let (ran, again) = read(&bench, "a:b");
    assert!(!ran && again["cacheScope"] == "private", "{again}");
}

/// Entries that are hidden at the time, and other spellings of an address.
#[test]
fn an_update_finds_all_results_of_an_address() {
    let bench = Bench::new();
    resource(&bench, Kind::Resource, "a:one", json!({ "cache": 60_000 }));
    resource(&bench, Kind::ResourceTemplate, "b:{x}", json!({ "cache": 60_000 }));
    for uri in ["a:one", "b:ab", "b:a%62"] {
        assert!(read(&bench, uri).0 && !read(&bench, uri).0, "{uri}");
    }
    for (kind, name) in [(Kind::Resource, "a:one"), (Kind::ResourceTemplate, "b:{x}")] {
        bench.server.disable(kind, name);
    }
    bench.server.resource_updated("a:one");
    bench.server.resource_updated("b:ab");
    for (kind, name) in [(Kind::Resource, "a:one"), (Kind::ResourceTemplate, "b:{x}")] {
        bench.server.enable(kind, name);
    }
    for uri in ["a:one", "b:ab", "b:a%62"] {
        assert!(read(&bench, uri).0, "{uri}");
    }
    bench.assert_settled();
}

#[test]
fn an_update_of_a_resource_removes_its_results() {
    let bench = Bench::new();
    resource(&bench, Kind::Resource, "a:one", json!({ "cache": 60_000 }));
    resource(&bench, Kind::ResourceTemplate, "b:{x}", json!({ "cache": 60_000 }));
    for uri in ["a:one", "b:1", "b:2"] {
        assert!(read(&bench, uri).0 && !read(&bench, uri).0, "{uri}");
    }
    bench.server.resource_updated("a:one");
    bench.server.resource_updated("b:1");
    bench.server.resource_updated("c:unknown");
    assert!(read(&bench, "a:one").0 && read(&bench, "b:1").0 && !read(&bench, "b:2").0);
    // What was being read at the time of the update is old.
    bench.server.resource_updated("b:1");
    let send = |id| {
        let params = json!({ "uri": "b:1" });
        bench.send(modern(
            json!({ "jsonrpc": "2.0", "id": id, "method": "resources/read", "params": params }),
        ));
    };
    send(10);
    let before = begun(&bench).pop().unwrap().id;
    bench.server.resource_updated("b:1");
    send(11);
    let after = begun(&bench).pop().expect("it does not wait for the old read").id;
    done(&bench, after, "new");
    done(&bench, before, "old");
    bench.sink.take();
    let (ran, result) = read(&bench, "b:1");
    assert!(!ran && result["contents"][0]["text"] == "new", "{result}");
    bench.assert_settled();
}
