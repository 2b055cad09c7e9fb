"""A headless Chromium, told what to do through the pipe that it has for that."""

import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """One page. Whoever waits for it is told when the browser ends."""

    def __init__(self, commands, answers, url):
        self._commands, self._answers = commands, answers
        self._last = 0
        self._session = None
        target = self._do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._do("Page.enable")
        self._do("Page.navigate", url=url)
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def _read(self):
        message = b""
        while not message.endswith(b"\0"):
            part = self._answers.read(1)
            assert part, "the browser has ended"
            message += part
        return json.loads(message[:-1])

    def _do(self, method, **params):
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script):
        """The value that the body of an async function comes to."""
        answer = self._do(
            "Runtime.evaluate", expression=f"(async () => {{ {script} }})()", awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression):
        """The value of an expression, once it is true."""
        return self.run(
            f"for (;;) {{ const value = {expression}; if (value) return value;"
            " await new Promise((resolve) => setTimeout(resolve, 20)) }"
        )


@contextmanager
def opened(url, folder):
    """The page of an address, in a browser whose files are in this folder."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "no Chromium here; on Debian and Ubuntu: apt-get install chromium"
    flags = ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    taken, commands = os.pipe()
    answers, given = os.pipe()

    def wire():
        # The browser reads at 3 and writes at 4; first both are out of the way.
        one, two = os.dup(taken), os.dup(given)
        high = max(one, two, 5) + 1
        os.dup2(one, high)
        os.dup2(two, high + 1)
        os.dup2(high, 3)
        os.dup2(high + 1, 4)

    run = subprocess.Popen(
        [program, *flags, f"--user-data-dir={folder}", "--remote-debugging-pipe"],
        preexec_fn=wire,
        close_fds=False,
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(taken)
    os.close(given)
    try:
        with os.fdopen(commands, "wb", buffering=0) as write, os.fdopen(answers, "rb") as read:
            yield Page(write, read, url)
    finally:
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()
