"""Serves on the calling thread, from start to end.

``asyncio`` takes longer to load than everything else. So there is no event loop until something needs one.
"""

from __future__ import annotations

from .._runtime import log
from .._runtime.sync_handler import SyncRunner
from .service import SHUTDOWN_TIMEOUT, Service, log_shutdown_failure, print_addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._native import Running, ServeOptions
    from .server_state import OnStarted, ServerState
    from .signals import Signals


def run(server: ServerState, options: ServeOptions, signals: Signals, on_started: OnStarted | None) -> None:
    """Serves on this thread, with a loop if one is needed."""
    if on_started is not None or server._has_async_handlers:
        from . import loop

        loop.run(server, options, signals, on_started or print_addresses)
        return
    serve_without_loop(Service(server, options, signals), print_addresses)


def serve_without_loop(service: Service, on_started: OnStarted) -> None:
    """Serves on this thread. Makes a loop once one is needed."""
    try:
        running = service.start()
        try:
            service.open(running, on_started)
            run_until_closed(service, running)
        finally:
            service.check_fork()
            # If this was interrupted, no code waits for the calls that still run.
            if not running.closed:
                running.end()
                running.wait(SHUTDOWN_TIMEOUT)
            service.stop()
    finally:
        service.close()
        log_shutdown_failure(service.lane)


def run_until_closed(service: Service, running: Running) -> None:
    """Runs the calls and the log records for this thread until the server has ended. Makes a loop once one is needed.
    """
    lane = service.lane
    runner = SyncRunner(service.server._errors)
    announced = False
    while not lane.closed:
        if not announced and running.settled:
            announced = True
            service.announce(running)
        if service.server._has_async_handlers:
            from . import loop

            loop.run_until_closed(service, running, announced)
            return
        lane.wait()
        # Calls of async functions stay in the queue for the loop. One may arrive at this moment.
        lane.begin(with_async=False)
        try:
            for _, what, detail, extra in lane:
                if what is None:
                    log.record(detail, *extra)
                elif type(detail) is tuple:
                    runner.run(what, detail[0], detail[1], extra)
                del what, detail
        finally:
            lane.flush()
    running.check_start()
