"""Servers and the standard library's `multiprocessing`: handlers that use it, and servers that run in its processes."""

import pytest
from http_client import Peer
from wire import SECONDS, Program

KINDS = ["fork", "spawn", "forkserver"]
POOL = """
import multiprocessing, os, sys, warnings
from tenon_mcp import Server

# That threads do not survive a fork is the point.
warnings.simplefilter("ignore", DeprecationWarning)
app = Server("t")


def work(n):
    print("from a child")
    return n * n, os.getpid()


def pooled(kind: str) -> list[int]:
    with multiprocessing.get_context(kind).Pool(2) as pool:
        results = pool.map(work, [2, 3])
    assert os.getpid() not in [pid for _, pid in results]
    return [square for square, _ in results]


@app.tool
def pool(kind: str) -> list[int]:
    return pooled(kind)


@app.tool
async def pool_async(kind: str) -> list[int]:
    return pooled(kind)


if __name__ == "__main__":
    app.run()
"""
SERVED = """
import multiprocessing, os, sys
from tenon_mcp import Server

app = Server("t")


@app.tool
def pid() -> str:
    return str(os.getpid())


def serve(sender):
    app.run(http=0, on_started=lambda app: sender.send(app.url))


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    receiver, sender = context.Pipe(False)
    process = context.Process(target=serve, args=(sender,))
    process.start()
    print(process.pid, receiver.recv(), flush=True)
    sys.stdin.read()
    process.terminate()
    process.join(20)
    print(process.exitcode, flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_with_processes_of_their_own(kind, tmp_path):
    path = tmp_path / "pool.py"
    path.write_text(POOL)
    with Program(path) as program:
        for name in ("pool", "pool_async"):
            assert program.client.text(name, kind=kind) == "[4,9]"
        program.client.close()
        code, errors = program.wait()
        assert code == 0
        # Two that print at once may do so on one line.
        assert errors.replace("from a child", "").split() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_in_a_process_of_its_own(kind, tmp_path):
    path = tmp_path / "served.py"
    path.write_text(SERVED)
    with Program(path, kind, connect=False) as program:
        child, url = program.process.stdout.readline().decode().split()
        peer = Peer(url)
        peer.open_session()
        assert f'"text":"{child}"'.encode() in peer.call("pid").read()
        program.process.stdin.close()
        assert program.process.stdout.readline() == b"0\n"
        assert program.process.wait(SECONDS) == 0
