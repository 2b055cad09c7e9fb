"""The engine's limits, as keywords of ``Server``; made from the engine's table."""

from __future__ import annotations

from typing import TypedDict


class Limits(TypedDict, total=False):
    """Bounds of a server: counts, bytes, and times in seconds."""

    max_message_bytes: int
    """Longest message in bytes: one line or one HTTP body. Default 4 MiB."""
    max_result_bytes: int
    """Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB."""
    max_depth: int
    """Deepest nesting of a message or a result. Default 128."""
    max_calls: int
    """Calls in flight in the whole server. Default 16,384."""
    max_lane_calls: int
    """Calls in flight in one lane, which is where a handler runs; one more is refused as busy. Default 4,096."""
    max_waiting_calls: int
    """Calls of one entry that wait because as many of it run as its ``max_concurrency`` allows; one more is refused
    as busy. Default 256.
    """
    max_peer_calls: int
    """Calls in flight of one legacy session, or one client of stdio or of lines on a socket; one more is refused as
    busy. Default 1,024.
    """
    call_timeout: float
    """How long a tool without a time-out of its own may run. Default 5 minutes."""
    ask_timeout: float
    """How long a call waits for the client's answer to a question. Default 10 minutes."""
    max_asks: int
    """Questions one call may ask, and results of effects it may keep, over all its rounds. Default 32."""
    max_state_bytes: int
    """Largest sealed ``requestState`` in bytes, which a client carries between the rounds of a call. Default 64 KiB."""
    state_lifetime: float
    """How long a sealed ``requestState`` is good for, and a client can be told that a visit to a page has come to
    its end. Default 1 hour.
    """
    max_visits: int
    """Visits to pages asked for in the whole server whose end can still be told; one more takes the place of the
    oldest. Default 10,000.
    """
    max_listens: int
    """Listen streams open in the whole server; one more is refused as busy. Default 16,384."""
    max_peer_listens: int
    """Listen streams of one client on a channel that it has to itself, such as stdio. Default 64."""
    max_principal_listens: int
    """Listen streams of one principal, where it is known who asks. Default 1,024."""
    max_subscriptions: int
    """Resources and tasks that one listen stream or one legacy session can be subscribed to. Default 1,024."""
    max_subscription_bytes: int
    """Bytes of their addresses and ids. Default 64 KiB."""
    max_listen_bytes: int
    """Bytes waiting to be written to one listen stream over HTTP; a stream that would have more ends. Default 1 MiB."""
    max_outbound_bytes: int
    """Bytes waiting to be written to one peer; beyond it reading from that peer pauses and progress is dropped.
    Default 8 MiB.
    """
    start_timeout: float
    """How long a handler of ``start`` may take, while calls wait for it; then the server is not served. Default 60
    s.
    """
    stop_timeout: float
    """How long a handler of ``stop`` may take after the last call, before the server's end is reported without it.
    Default 5 s.
    """
    drain_timeout: float
    """How long running calls may finish after the server was closed; 0 cancels them at once. Where stdio is served
    ``stdio_drain_timeout`` holds if it is less. Default 5 s.
    """
    stdio_drain_timeout: float
    """How long running calls may finish after stdio's input ended or a server on stdio was closed; 0 cancels them at
    once. Clients kill a server that stays for longer than about 2 s. Default 1 s.
    """
    max_stderr_bytes: int
    """Bytes that handlers print while stdio is served, and nobody reads, that are kept; later ones are dropped. 0
    leaves the process's standard error alone, so that a client that does not read it blocks what prints. Default
    1 MiB.
    """
    max_sessions: int
    """Legacy HTTP sessions; one more takes the place of the one that is idle for longest, or is refused as busy.
    Each keeps what its client said in ``initialize``, up to 16 KiB, which ``max_buffered_bytes`` does not count.
    Default 10,000.
    """
    session_idle: float
    """A legacy HTTP session ends after this long without request or open stream. Default 30 minutes."""
    handshake_timeout: float
    """A legacy HTTP session ends this long after ``initialize`` if no further message came. Default 30 s."""
    store_timeout: float
    """How long a request waits for an answer of the store that keeps sessions. Default 10 s."""
    max_store_values: int
    """Records that the default store, which is this process's memory, keeps of each kind of thing, and as many logs,
    and as many counters; one more is refused until something has expired. Sessions have ``max_sessions`` instead.
    Default 65,536.
    """
    max_store_bytes: int
    """Bytes of the records that the default store keeps of each kind of thing, and as many of its logs, keys
    included; more is refused, except that a log makes room for its newest entries. Sessions are not counted here.
    Default 64 MiB.
    """
    max_store_entries: int
    """Entries of one log in the default store; for one more the oldest goes. Default 1,024."""
    page_size: int
    """Entries that one page of a list holds at most; 0 puts the whole list on one page. What a provider of resources
    lists is as long as it says, and stands behind the last registered ones. Default 0.
    """
    max_skills: int
    """Skills in one folder; a folder with more is refused. Default 1,000."""
    max_connections: int
    """Simultaneous connections on one address or Unix socket; further ones wait to be accepted. Default 10,000."""
    connection_idle: float
    """How long a client of lines on a socket may send nothing while no call of its own is in flight, until its
    connection is closed. Default 24 hours.
    """
    header_timeout: float
    """How long an HTTP client may take to send a request's headers, or stay without a request on an open connection,
    or pause within a request's body. Default 30 s.
    """
    request_timeout: float
    """How long an HTTP client may take to send a whole request, and a client of lines on a socket a whole line, from
    the first byte to the last. Default 60 s.
    """
    write_timeout: float
    """How long a client of HTTP, or of lines on a socket, may leave an answer unread, or read less than 16 KiB of
    what waits, before the connection is closed. A stream with nothing to write may be silent for longer. Default
    30 s.
    """
    max_buffered_bytes: int
    """Bytes held for clients of HTTP and of lines on sockets in the whole server: of requests, from the first byte
    until their handlers have taken the arguments, and of answers and events until they are written; those of a
    batch are one answer, counted as it grows. A request beyond it, or one whose answer is, is refused as busy.
    Pieces of up to 8 KiB are not counted and always get through. Default 64 MiB.
    """
    stream_after: float
    """How long a call over HTTP may be silent before its answer becomes an event stream that is kept alive, so that
    nobody on the way takes it for dead; only where the client accepts a stream. Default 10 s.
    """
    max_stream_bytes: int
    """Bytes of the events of one stream in a legacy HTTP session that are kept for a client that comes back for
    them; the oldest go first, the newest stays in any case. The store bounds those of all streams together. 0
    keeps none: then streams cannot be resumed. Default 1 MiB.
    """
    max_stream_events: int
    """Events of one such stream that are kept; for one more the oldest goes. Default 1,024."""
    max_session_streams: int
    """Streams of one legacy HTTP session whose events are kept; one more takes the place of the oldest that has
    ended, and cannot be resumed where none has. Default 64.
    """
    resume_timeout: float
    """How long the events of a stream are kept after it has ended or a client has left it, for the client to come
    back. The stream of a call stays for as long as the call runs. Default 2 minutes.
    """
    stream_retry: float
    """How long a client of 2025-11-25 is asked to wait before it comes back to a stream. Default 1 s."""
    ping_interval: float
    """A WebSocket on which nothing was heard for this long is pinged. Default 30 s."""
    ping_timeout: float
    """How long a WebSocket client may take to answer a ping before its connection is closed. Default 30 s."""
    max_tasks: int
    """Tasks at work in the whole server; one more is refused as busy. Default 4,096."""
    max_principal_tasks: int
    """Tasks of one principal that are at work or kept; one more is refused as busy. Clients of whom it is not known
    who they are have ``max_tasks`` and the store's room in common. Default 1,000.
    """
    default_task_ttl: float
    """How long a task is kept, from its beginning on, where its client asks for nothing else; one that is still at
    work then ends. Whole seconds, rounded up. Default 1 hour.
    """
    max_task_ttl: float
    """The longest time that a client can have a task kept. Whole seconds, rounded up. Default 24 hours."""
    task_poll_interval: float
    """How often a client is told to look at a task. Default 1 s."""
    max_task_result_bytes: int
    """Largest result of a task in bytes; a task with a larger one fails. Default 1 MiB."""
    task_timeout: float
    """How long a task of a tool without a time-out of its own may work. Default 1 hour."""
    task_lease: float
    """How long after its last sign of life the process that runs a task counts as gone, so that the task has failed.
    A sign is given, in the store, every third of this. Whole seconds, rounded up. Default 30 s.
    """
    max_pages: int
    """Fixed pages of a server, which its HTTP addresses answer besides; one more is refused. Default 64."""
    max_page_bytes: int
    """Largest of those in bytes; the memory of pages is the program's own, and ``max_buffered_bytes`` does not count
    it. Default 4 MiB.
    """
    max_address_connections: int
    """Connections of one client address, out of ``max_connections``; of IPv6 the first 64 bits are one address. For
    one more the address's own idle HTTP connections are closed; if none is idle, the new one gets 429 and is
    closed. 0 is three quarters of ``max_connections``. Default 0.
    """
    max_address_streams: int
    """Open streams of one client address: streams that a client listens on, those of HTTP+SSE, and WebSockets. One
    more is refused with 429. 0 is three quarters of ``max_connections``. Default 0.
    """
    max_address_buffered_bytes: int
    """Bytes held for one client address, out of ``max_buffered_bytes`` and counted like those. A request beyond it,
    or one whose answer is, is refused with 429. 0 is three quarters of ``max_buffered_bytes``. Default 0.
    """
    max_address_calls: int
    """Calls in flight of one client address, in all of its sessions and connections. One more is refused with 429. 0
    is three quarters of ``max_calls`` or of ``max_lane_calls``, whichever is less. Default 0.
    """
    max_session_listens: int
    """Streams that a client opens with GET in one legacy HTTP session, and has open at a time. One more is refused
    with 429. A client needs one; more are left open if its connections break. Default 16.
    """
    poll_budget: float
    """How long a host's thread goes on starting calls before it returns to its event loop or to the program that
    polls. A handler that has begun runs to its end. Default 2 ms.
    """
    io_threads: int
    """Threads that serve sockets, for all servers of the process with the same number; each has another in reserve.
    0 stands for the number of processors, four at most. A program that brings an executor of its own is served on
    that. Default 0.
    """
    thread_stack_bytes: int
    """Stack of each thread that the engine starts, workers of the C library among them. Python's workers have the
    interpreter's size unless this is set. Default 2 MiB.
    """
    progress_gap: float
    """How long the answer of a call waits behind its last progress on sockets that carry lines. Clients in
    TypeScript lose progress that they read together with the answer. On stdio, WebSocket and HTTP+SSE the answer
    waits until the client has read the progress, at most twenty times as long. A client that answers no ping is
    waited for once, for a second, and then as on sockets. Other calls do not wait, nor does anything on
    Streamable HTTP. With 0 no answer waits. Default 50 ms.
    """
