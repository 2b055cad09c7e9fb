//! Resolvers that take time: they are bounded, and end with their client.

use super::ByHeader;
use crate::support::bench::{Bench, Pending};
use crate::{initialize, request};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tenon_mcp::Limits;

fn bench() -> (Bench, Arc<ByHeader>) {
    let resolver = Arc::<ByHeader>::default();
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_secs(3);
    (Bench::with(limits, |builder| builder.principal_resolver(resolver.clone())), resolver)
}

fn hanging(bench: &Bench) -> Pending {
    let mut asked = bench.post(&[("x-user", "hangs")], &initialize("2025-11-25"));
    assert!(asked.poll().is_none());
    asked
}

#[test]
fn a_resolver_that_never_ends_is_given_up() {
    let (bench, resolver) = bench();
    let dropped = || resolver.dropped.load(Ordering::SeqCst);
    let mut asked = hanging(&bench);
    assert_eq!(
        bench.server.engine().next_deadline(),
        Some(bench.server.engine().now() + Duration::from_secs(3))
    );
    bench.clock.advance(Duration::from_millis(2_999));
    bench.service.tick();
    assert_eq!(asked.woken.count(), 0);
    assert!(asked.poll().is_none() && dropped() == 0);
    let mut later = hanging(&bench);
    bench.clock.advance(Duration::from_millis(1));
    bench.service.tick();
    assert_eq!((asked.woken.count(), later.woken.count()), (1, 0));
    let refused = asked.finish();
    assert_eq!((refused.status, refused.code(), dropped()), (503, -32603, 1));
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("store_timeout"));
    assert!(later.poll().is_none(), "it has its own time");
    drop(later);
    assert_eq!((dropped(), bench.server.engine().next_deadline()), (2, None));
}

#[test]
fn a_client_that_leaves_cancels_its_resolver() {
    let (bench, resolver) = bench();
    let many: Vec<_> = (0..100).map(|_| hanging(&bench)).collect();
    assert_eq!(resolver.dropped.load(Ordering::SeqCst), 0);
    // Meanwhile others are served.
    let list = bench.post(&[("x-user", "a|b"), ("mcp-session-id", "x")], &request(1, "ping", json!({})));
    assert_eq!(list.finish().status, 404);
    drop(many);
    assert_eq!(resolver.dropped.load(Ordering::SeqCst), 100);
    assert_eq!(bench.server.engine().next_deadline(), None, "nothing is left of them");
}
