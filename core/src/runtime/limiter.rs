//! Waits for the limiters of a program.

use crate::host::ServerLimiter;

impl ServerLimiter {
    /// Takes one call from the allowance, and waits for it if necessary. The call's timeout bounds the time. It must run on a
    /// runtime of `tokio`, as the handlers of a served server do.
    pub async fn acquire(&self) {
        while let Err(wait) = self.try_acquire() {
            tokio::time::sleep(wait).await;
        }
    }
}
