//! Messages to a server from its own process, for tests.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use crate::servers::started::Started;
use crate::servers::state::server_state::ServerState;
use crate::transports::pipe::PipeWake;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::testing::Exchange;

/// The function that tenon_server_exchange() calls with each message of the server: a JSON object of `len` bytes, not
/// NUL-terminated. The message lives until the function returns.
pub type tenon_exchange_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, message: *const c_char, len: usize)>;

/// For tests: passes a message to the server as if a client had sent it, and waits for the response. It calls `hear`
/// with each message that the server has sent meanwhile, in order, on this thread and before it returns.
///
/// If the server was not started, this function starts it. If no transport was named, the server then serves only
/// clients in this process. All exchanges of a server belong to one client, which lives as long as the server. A legacy
/// session is opened by exchanging "initialize" and "notifications/initialized"; requests of 2026-07-28 need no message
/// before them.
///
/// The function waits until every request of this client has its response, or until the server asks this client a
/// question. The program then exchanges the answer as a message, and that exchange continues to wait for the response.
/// It waits at most `timeout_ms` milliseconds, and without a limit if that is below 0. Meanwhile this thread runs
/// waiting callbacks in TENON_MODE_POLL, which may belong to other clients too. Messages that the server sends later,
/// such as a changed list, are delivered in the next exchange. An empty `message` sends nothing.
///
/// Fails with TENON_ERR_STATE after the end of the server, and with TENON_ERR_IO after the timeout. After a timeout,
/// `hear` has got the messages that were sent until then. The calls continue, and the shutdown of the server waits for
/// them as for all others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_exchange(
    server: *mut tenon_server,
    message: *const c_char,
    len: usize,
    timeout_ms: i32,
    hear: tenon_exchange_fn,
    user_data: *mut c_void,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), message = tried_slice(message, len) => {
        let hear = hear.ok_or_else(|| Failure::null("hear"))?;
        // SAFETY: the program passed this function, of this type, with this pointer; the text lives until it returns.
        let hear = |message: &[u8]| unsafe { hear(user_data, message.as_ptr().cast(), message.len()) };
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        server.inner.exchange(message?, timeout, hear)?;
        Ok(TENON_OK)
    })
}

/// The client that all exchanges of a server belong to.
pub(crate) struct Channel {
    exchange: Exchange,
    /// Wakes a waiting exchange at messages, at the last response and at the end. Threads that only poll do not use it.
    news: Arc<PipeWake>,
}

impl ServerState {
    fn exchange(
        self: &Arc<Self>,
        message: &str,
        timeout: Option<Duration>,
        hear: impl Fn(&[u8]),
    ) -> Result<()> {
        let started = self.started_for_exchange()?;
        let channel = started.exchange()?;
        let exchange = &channel.exchange;
        if !message.is_empty() {
            exchange.send(message.as_bytes().to_vec());
        }
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let pass_messages = || {
            while let Some(message) = exchange.receive() {
                hear(&message);
            }
        };
        let done = || exchange.in_flight() == 0 || exchange.questions() > 0 || exchange.has_ended();
        let over = !started.poll.until(self, &channel.news, end, done)?;
        pass_messages();
        if exchange.has_ended() {
            return Err(Failure::state("the server has ended"));
        }
        if over {
            return Err(Failure::new(TENON_ERR_IO, "no response came in time"));
        }
        Ok(())
    }

    pub(super) fn started_for_exchange(self: &Arc<Self>) -> Result<&Started> {
        match self.started() {
            Err(failure) if failure.status == TENON_ERR_STATE => match self.start_in_process() {
                // If the server is started now, another thread has started it.
                Err(failure) if failure.status == TENON_ERR_STATE => self.started().map_err(|_| failure),
                begun => begun.and_then(|()| self.started()),
            },
            started => started,
        }
    }
}

impl Started {
    /// The channel of the exchanges.
    fn exchange(&self) -> Result<Arc<Channel>> {
        let mut place = self.exchange.lock();
        if let Some(channel) = &*place {
            return Ok(channel.clone());
        }
        let exchange = Exchange::open(&self.server, None)?;
        let news = Arc::new(PipeWake::new()?);
        exchange.on_message(news.clone());
        let channel = Arc::new(Channel { exchange, news });
        *place = Some(channel.clone());
        Ok(channel)
    }
}
