//! The principal of a request is found before anything else of the request is handled.

mod bounds;
mod identity;
mod order;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tenon_mcp::{
    Principal, PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution,
};

/// A resolver that does what the header `x-user` says.
#[derive(Default)]
pub struct ByHeader {
    pub asked: AtomicUsize,
    /// How many futures were dropped before they were ready.
    pub dropped: Arc<AtomicUsize>,
}

/// Counts when it is dropped.
struct CountOnDrop(Arc<AtomicUsize>);

impl Drop for CountOnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl ByHeader {
    fn hang(&self) -> PrincipalFuture {
        let watch = CountOnDrop(self.dropped.clone());
        Box::pin(async move {
            let _watch = watch;
            std::future::pending().await
        })
    }
}

/// A future that is ready when it is polled for the second time.
async fn later() {
    let mut first = true;
    std::future::poll_fn(|task| {
        task.waker().wake_by_ref();
        if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

impl PrincipalResolver for ByHeader {
    fn resolve(&self, request: PrincipalRequest) -> Resolution {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let head = request.head.as_ref().expect("these are requests of HTTP");
        let Some(word) = head.headers.get("x-user") else { return Resolution::Ready(Ok(request.attached)) };
        let word = word.to_str().unwrap().to_owned();
        Resolution::Ready(match word.as_str() {
            "nobody" => Ok(None),
            "refused" => Err(PrincipalRefusal::unauthorized("Unauthorized: send a token")
                .challenge("Bearer realm=\"one\"".parse().unwrap())
                .challenge("Basic realm=\"two\"".parse().unwrap())),
            "forbidden" => Err(PrincipalRefusal::forbidden("Forbidden: the scope is missing")),
            "down" => Err(PrincipalRefusal::unavailable("Server busy: the keys cannot be loaded")),
            "failed" => Err(PrincipalRefusal::failed("the password is hunter2")),
            "panics" => panic!("hunter2"),
            "panics later" => {
                return Resolution::Pending(Box::pin(async {
                    later().await;
                    panic!("hunter2")
                }));
            }
            "hangs" => return Resolution::Pending(self.hang()),
            _ => {
                let (issuer, subject) = word.split_once('|').expect("an issuer and a subject");
                let principal = Principal::new(issuer.replace("later ", ""), subject);
                if word.starts_with("later ") {
                    return Resolution::Pending(Box::pin(async move {
                        later().await;
                        Ok(Some(principal))
                    }));
                }
                Ok(Some(principal))
            }
        })
    }
}
