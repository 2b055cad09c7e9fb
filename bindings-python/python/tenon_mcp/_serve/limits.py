"""The engine's limits, as keywords of ``Server``; made from the engine's table."""

from __future__ import annotations

from typing import TypedDict


class Limits(TypedDict, total=False):
    """Bounds of a server: counts, bytes, and times in seconds."""

    max_message_bytes: int
    """Largest message in bytes: one line, one HTTP body or one WebSocket message. A larger HTTP body gets status
    413, a larger line error -32600. A larger WebSocket message closes the connection with code 1009. Default 4
    MiB.
    """
    max_result_bytes: int
    """Largest result or error of one call in bytes. If it is larger, the call fails. The HTML of a view has the same
    limit. Default 16 MiB.
    """
    max_depth: int
    """Deepest nesting of arrays and objects in a message or a result. A deeper message gets error -32700. In Python,
    JavaScript and C, a call with a deeper result fails. Default 128.
    """
    max_calls: int
    """Calls in flight in the whole server. One more is refused as busy: error -32603, over HTTP with status 503.
    Default 16,384.
    """
    max_lane_calls: int
    """Calls in flight in one lane: running in, or queued for, one event loop or thread pool of the program. In Rust,
    all handlers share one lane. One more is refused as busy. Default 4,096.
    """
    max_waiting_calls: int
    """Calls of one tool or other entry that wait because the entry's ``max_concurrency`` or ``max_concurrency_by``
    is reached. One more is refused as busy, or the newest one of the caller with the most. Default 256.
    """
    max_cached_values: int
    """Values in the cache of the program. If there is no room for one more, the value that was used longest ago
    goes. The caches of entries have limits of their own. Default 1,024.
    """
    max_cached_bytes: int
    """Values in the cache of the program, in bytes. A larger value is not kept. Default 16 MiB."""
    max_peer_calls: int
    """Calls in flight of one client: of one legacy session, or of one connection by stdio, WebSocket or a socket
    with lines. One more is refused as busy. Default 1,024.
    """
    call_timeout: float
    """How long a call may run if its handler has no timeout of its own. After that the call is cancelled and fails.
    Default 5 minutes.
    """
    ask_timeout: float
    """How long a call of a legacy session, or a task, waits for the client's answer to a question such as an
    elicitation. After that the call or task fails. Default 10 minutes.
    """
    max_asks: int
    """Questions that one call may ask the client, over all its rounds. One more fails in the handler. The same limit
    applies to its rounds, and to the results that it stores for later rounds. Default 32.
    """
    max_state_bytes: int
    """Largest sealed ``requestState`` in bytes, which a client sends back in the next round of a call. A call that
    needs a larger one fails. Default 64 KiB.
    """
    state_lifetime: float
    """How long a sealed ``requestState`` is valid. A request with an older one gets error -32602. The client can be
    notified of the end of a URL elicitation for the same time. Default 1 hour.
    """
    max_visits: int
    """URL elicitations in the whole server whose end can still be reported to the client. One more replaces the
    oldest. Default 10,000.
    """
    max_listens: int
    """Open streams of ``subscriptions/listen`` in the whole server. One more is refused as busy. Default 16,384."""
    max_peer_listens: int
    """Open streams of ``subscriptions/listen`` on one connection by stdio, WebSocket or a socket with lines. One
    more is refused as busy. Default 64.
    """
    max_principal_listens: int
    """Open streams of ``subscriptions/listen`` of one principal. One more is refused as busy. Requests without a
    principal are not counted here. Default 1,024.
    """
    max_subscriptions: int
    """Resources and tasks to which one stream of ``subscriptions/listen``, or one legacy session, can subscribe. A
    stream that names more gets error -32602. A session is refused as busy. Default 1,024.
    """
    max_subscription_bytes: int
    """Bytes of the URIs and task ids to which one stream or one legacy session subscribes. More are refused as with
    ``max_subscriptions``. Default 64 KiB.
    """
    max_listen_bytes: int
    """Bytes that wait to be written to one stream of ``subscriptions/listen`` over HTTP. If the client reads too
    slowly and more would wait, the stream ends. Default 1 MiB.
    """
    max_outbound_bytes: int
    """Bytes that wait to be written to one client, over HTTP to one response. Beyond it, progress and log messages
    are dropped, and nothing more is read from stdio, a WebSocket or a socket with lines. HTTP+SSE refuses further
    messages as busy. Default 8 MiB.
    """
    start_timeout: float
    """How long a ``start`` hook without a timeout of its own may take. Calls wait for it. If it takes longer, the
    start of the server fails. Default 60 s.
    """
    stop_timeout: float
    """How long a ``stop`` hook without a timeout of its own may take after the last call. If it takes longer, the
    server ends without it. Default 5 s.
    """
    drain_timeout: float
    """How long calls in flight may continue after the server was closed. After that they are cancelled. 0 cancels
    them at once. If stdio is served, ``stdio_drain_timeout`` applies if it is shorter. Default 5 s.
    """
    stdio_drain_timeout: float
    """How long calls in flight may continue after stdio's input has ended, or after a server on stdio was closed.
    After that they are cancelled. 0 cancels them at once. Clients kill a server that does not exit within about 2
    s. Default 1 s.
    """
    max_stderr_bytes: int
    """Bytes of printed output that wait until the client reads standard error, while stdio is served. Later output
    is dropped. 0 leaves standard error unchanged. A client that does not read it then blocks code that prints.
    Default 1 MiB.
    """
    max_sessions: int
    """Legacy HTTP sessions. One more ends the session that has been idle longest. If all are in use, it is refused
    as busy. Each keeps the content of ``initialize``, up to 16 KiB, which ``max_buffered_bytes`` does not count.
    Default 10,000.
    """
    session_idle: float
    """How long a legacy HTTP session may be without a request or an open stream. After that it ends. Default 30
    minutes.
    """
    handshake_timeout: float
    """How long a legacy HTTP session waits for the first message after ``initialize``. After that it ends. Default
    30 s.
    """
    store_timeout: float
    """How long a request waits for the result of a store operation, and for its principal. After that the request is
    refused as busy. Default 10 s.
    """
    max_store_values: int
    """Records of one kind, such as tasks, in the default in-memory store. The same limit applies to the kind's logs,
    to its counters and to its allowances. One more is refused until another has expired; only for a new
    allowance, the one that has taken least is removed. Sessions have ``max_sessions`` instead. Default 65,536.
    """
    max_store_bytes: int
    """Bytes of the records of one kind in the default in-memory store, keys included. The same limit applies to the
    kind's logs and to its allowances. More are refused, but a log first drops its own oldest entries, and
    allowances make room for each other. Sessions are not counted. Default 64 MiB.
    """
    max_store_entries: int
    """Entries of one log in the default in-memory store. One more replaces the oldest. Default 1,024."""
    max_policy_keys: int
    """Keys of one policy of an entry that are kept in the process, such as the circuits of a circuit breaker. One
    more replaces the one that was used longest ago. Default 65,536.
    """
    page_size: int
    """Entries on one page of a list. 0 puts the whole list on one page. A resource provider chooses its own page
    size, and its resources follow the registered ones. A page of tasks has at most 50 entries. Default 0.
    """
    max_list_bytes: int
    """Bytes of the lists of one kind that are kept for callers who may use different entries. A list that does not
    fit is made again for each request. Default 16 MiB.
    """
    max_cached_tokens: int
    """Verified tokens that are kept, so that they need not be verified again. One more replaces the oldest. Each
    connection also keeps the credentials that it has sent twice, up to 4 KiB, for the same time. Default 10,000.
    """
    token_cache_time: float
    """How long a verified token is kept, at most until it expires. A token that its issuer revokes is accepted as
    long. Default 60 s, which is also the most.
    """
    max_address_failures: int
    """Failed authentications of one client address within the limit ``failure_window``. After that, requests of the
    address are answered with 429 until the window ends. For IPv6, an address is a network of 64 bits. Default
    100.
    """
    failure_window: float
    """The time in which failed authentications of one address are counted. Default 60 s."""
    max_address_connects: int
    """New connections of one client address in a minute. One more is closed at once. Default 60,000."""
    max_counted_addresses: int
    """Client addresses whose failures and connections are counted. One more replaces the one whose time ends first.
    Default 65,536.
    """
    authorizer_cache_time: float
    """How long a decision of the function ``authorizer`` is kept, by principal, entry and arguments. With 0 it
    decides about each call. Default 0.
    """
    visible_cache_time: float
    """How long a decision of the function ``visible`` is kept, by principal and entry. Default 60 s."""
    max_cached_decisions: int
    """Decisions of each of these functions that are kept. One more replaces the oldest. Default 100,000."""
    max_skills: int
    """Skills in one folder. A folder with more cannot be registered. Default 1,000."""
    max_connections: int
    """Open connections on one address or Unix socket. For one more, idle HTTP connections are closed; if none is
    idle, it waits to be accepted. An embedded server limits its requests in progress, and refuses one more as
    busy. Default 10,000.
    """
    connection_idle: float
    """How long a client on a socket with lines may send nothing while none of its calls is in flight. After that its
    connection is closed. Default 24 hours.
    """
    header_timeout: float
    """How long an HTTP client may take to send a request's headers. It also limits pauses within a request's body,
    and how long a connection stays open without a request. After that the connection is closed. Default 30 s.
    """
    request_timeout: float
    """How long a client may take to send an HTTP request, a line on a socket or a WebSocket message. The time begins
    with the first byte. If it takes longer, its connection is closed. Default 60 s.
    """
    write_timeout: float
    """How long output may wait for a client on HTTP, a WebSocket or a socket with lines. If the client reads less
    than 16 KiB in this time, its connection is closed. Streams without waiting output are not affected. Default
    30 s.
    """
    max_buffered_bytes: int
    """Bytes that the server holds for all clients on HTTP, WebSockets and sockets with lines. A request counts until
    its handler has taken the arguments. A response or event counts until it is written; the responses of a batch
    count together. If there is no room, the request is refused as busy, or its response is replaced by that
    error. Pieces of up to 8 KiB are not counted and always pass. Default 64 MiB.
    """
    stream_after: float
    """How long a call over HTTP may run before its response becomes an event stream with keep-alive comments. They
    prevent proxies from closing the connection. This needs a client that accepts event streams. Default 10 s.
    """
    max_stream_bytes: int
    """Bytes of the events of one stream in a legacy HTTP session that are kept for a client that reconnects. The
    oldest events are dropped first; the newest is always kept. The store limits all streams together. With 0,
    streams cannot be resumed. Default 1 MiB.
    """
    max_stream_events: int
    """Events of one stream in a legacy HTTP session that are kept for a client that reconnects. One more replaces
    the oldest. Default 1,024.
    """
    max_session_streams: int
    """Streams of one legacy HTTP session whose events are kept. One more replaces the oldest that has ended. If none
    has ended, the new stream cannot be resumed. Default 64.
    """
    resume_timeout: float
    """How long the events of a legacy stream are kept after the stream has ended or its client has disconnected. A
    client that reconnects later cannot resume it. While a call runs, its stream is kept. Default 2 minutes.
    """
    stream_retry: float
    """How long a client of 2025-11-25 is asked to wait before it reconnects to a stream (the ``retry`` field of the
    event stream). Default 1 s.
    """
    ping_interval: float
    """How long a WebSocket client may send nothing before it gets a ping. Default 30 s."""
    ping_timeout: float
    """How long a WebSocket client may take to answer a ping. After that its connection is closed. Default 30 s."""
    max_tasks: int
    """Running tasks in the whole server. One more is refused as busy. Default 4,096."""
    max_principal_tasks: int
    """Tasks of one principal, running or ended but kept. One more is refused as busy. Clients without a principal
    share ``max_tasks`` and the store's limits. Default 1,000.
    """
    default_task_ttl: float
    """How long a task is kept after its creation if its client requests no time. A task that still runs at that time
    is cancelled. In whole seconds, rounded up. Default 1 hour.
    """
    max_task_ttl: float
    """Longest time for which a client can have a task kept. A longer request is reduced to it. In whole seconds,
    rounded up. Default 24 hours.
    """
    task_poll_interval: float
    """How long a client is asked to wait between two requests for the state of a task (``pollInterval``). Default 1
    s.
    """
    max_task_result_bytes: int
    """Largest result of a task in bytes. A task with a larger one fails. Default 1 MiB."""
    task_timeout: float
    """How long a task may run if its tool has no timeout of its own. After that the task fails. Default 1 hour."""
    task_lease: float
    """How long a running task may be without a renewal of its lease in the store. After that its process counts as
    dead, and the task has failed. The process renews the lease every third of this time. In whole seconds,
    rounded up. Default 30 s.
    """
    max_pages: int
    """Fixed web pages that the server's HTTP addresses also serve. Adding one more fails. Default 64."""
    max_page_bytes: int
    """Largest fixed web page in bytes. Adding a larger one fails. ``max_buffered_bytes`` does not count pages.
    Default 4 MiB.
    """
    max_address_connections: int
    """Connections of one client address; for IPv6, the first 64 bits are the address. For one more, idle HTTP
    connections of that address are closed. If none is idle, the new connection gets status 429 and is closed. 0
    means three quarters of ``max_connections``. Default 0.
    """
    max_address_streams: int
    """Open streams of one client address: ``subscriptions/listen``, GET streams, HTTP+SSE and WebSockets. One more
    is refused with status 429. 0 means three quarters of ``max_connections``. Default 0.
    """
    max_address_buffered_bytes: int
    """Bytes held for one client address, counted as for ``max_buffered_bytes``. If there is no room, a request is
    refused with status 429, or its response is replaced by that error. 0 means three quarters of
    ``max_buffered_bytes``. Default 0.
    """
    max_address_calls: int
    """Calls in flight of one client address, in all of its sessions and connections. One more is refused with status
    429. 0 means three quarters of ``max_calls`` or of ``max_lane_calls``, whichever is less. Default 0.
    """
    max_session_listens: int
    """GET streams that one legacy HTTP session may have open at a time. One more is refused with status 429. A
    client needs one. If its connections break, earlier ones may still be open. Default 16.
    """
    poll_budget: float
    """How long a thread of the program starts queued calls before it returns to its event loop, or to the code that
    polls. A handler that has started is not interrupted. Default 2 ms.
    """
    io_threads: int
    """Threads that serve sockets. All servers of the process with the same thread settings share them. Each thread
    has a second one in reserve. 0 means the number of processors, but at most four. A server on the program's own
    executor does not use them. Default 0.
    """
    thread_stack_bytes: int
    """Stack size in bytes of each thread that the engine starts, and of the C library's workers. Python's workers
    have the interpreter's stack size unless this is set. Default 2 MiB.
    """
    progress_gap: float
    """How long a response on a socket with lines waits after the last progress notification of its call. Clients in
    TypeScript lose progress that they read together with the response. On stdio, WebSockets and HTTP+SSE it waits
    until the client has read the progress, at most twenty times as long. If a client does not answer a ping
    within a second, its responses then wait as on a socket. No response waits on Streamable HTTP. With 0 no
    response waits at all. Default 50 ms.
    """
