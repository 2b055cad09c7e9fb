//! Lists are built once per change, and are then shared.

use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::Kind;

fn list(bench: &Bench, id: u64) -> Value {
    bench.send(modern(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": {} })));
    bench.sink.one()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn tools_are_listed_in_the_order_of_registration() {
    let bench = Bench::legacy();
    assert_eq!(names(&list(&bench, 1)), ["slow", "fast", "other"]);
    let target = bench.server.remove(Kind::Tool, "slow").unwrap();
    assert_eq!(names(&list(&bench, 2)), ["fast", "other"]);
    bench.server.add(tool("slow"), target).unwrap();
    assert_eq!(names(&list(&bench, 3)), ["fast", "other", "slow"]);
    assert!(bench.server.remove(Kind::Tool, "nobody").is_none());
    assert_eq!(names(&list(&bench, 4)), ["fast", "other", "slow"]);
}

mod cached {
    use crate::support::tool;
    use tenon_mcp::__private::{Catalog, Policy, Registered};
    use tenon_mcp::Kind;
    use tenon_mcp::Revision;

    fn entry(name: &str) -> Result<Registered<()>, tenon_mcp::Error> {
        Registered::new(tool(name).into(), (), Policy::default())
    }

    fn address(registry: &Catalog<()>, revision: Revision) -> *const u8 {
        registry.snapshot().list(Kind::Tool, revision).array().as_bytes().as_ptr()
    }

    #[test]
    fn the_bytes_are_the_same_until_a_change() {
        let registry = Catalog::default();
        registry.add(entry("a").unwrap()).unwrap();
        let kept = registry.snapshot();
        let first = address(&registry, Revision::V2026_07_28);
        assert_eq!(address(&registry, Revision::V2026_07_28), first);
        assert_ne!(address(&registry, Revision::V2024_11_05), first);
        assert!(registry.add(entry("a").unwrap()).is_err());
        assert!(registry.remove(Kind::Tool, "b").is_none());
        assert_eq!(address(&registry, Revision::V2026_07_28), first, "a refused change is no change");
        registry.add(entry("b").unwrap()).unwrap();
        assert_ne!(address(&registry, Revision::V2026_07_28), first);
        assert!(registry.snapshot().find(Kind::Tool, "b").is_some());
        assert!(kept.find(Kind::Tool, "b").is_none(), "who holds a snapshot sees no change");
        assert_eq!(kept.list(Kind::Tool, Revision::V2026_07_28).array().as_bytes().as_ptr(), first);
    }
}
