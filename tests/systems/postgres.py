"""A PostgreSQL of the test's own: a new cluster in a folder, reachable by a Unix socket there and by nothing else."""

import asyncio
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg

SECONDS = 120
# It refuses to run as root.
USERS = ("postgres", "nobody")


def program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    assert found, f"{name} is missing: install PostgreSQL (Debian, Ubuntu: apt-get install postgresql)"
    return found


def whose():
    """Whoever it is to run as, for `subprocess`."""
    if os.geteuid() != 0:
        return {}
    import pwd

    known = {user.pw_name for user in pwd.getpwall()}
    user = next(user for user in USERS if user in known)
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextmanager
def cluster():
    """Gives a function from a role to the URL of the database `shop` for it; the role `owner` may do everything."""
    user = whose()
    # Not below pytest's folders, which are root's alone.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if user:
            shutil.chown(folder, user["user"])
        data = str(folder / "data")
        options = {**user, "cwd": folder, "text": True}
        made = ["-D", data, "-A", "trust", "-U", "owner", "--no-sync", "--locale=C", "--encoding=UTF8"]
        subprocess.run([program("initdb"), *made], check=True, stdout=subprocess.DEVNULL, timeout=SECONDS, **options)
        command = [program("postgres"), "-D", data, "-k", str(folder), "-F", "-c", "listen_addresses="]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **options)
        ready, said = threading.Event(), []

        def read():
            for line in server.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    ready.set()
            ready.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert ready.wait(SECONDS) and server.poll() is None, "".join(said)

            def url(role="owner", database="shop"):
                return f"postgresql://{role}@/{database}?host={quote(str(folder), safe='')}"

            asyncio.run(run(url(database="postgres"), "CREATE DATABASE shop"))
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(SECONDS)
            finally:
                server.kill()
                reader.join()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def run(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(url, query):
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
