"""The example `basic`: its texts, its errors, and expressions that are meant to break it."""

import json
import math
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from example_servers import converse, load, refused, said, text
from tenon_mcp.testing import Client


@contextmanager
def weather_service():
    """A weather service that knows one city; gives its address and the queries it has had."""
    queries = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            queries.append((parts.path, query))
            if query["q"] == "Slow":
                try:
                    self.send_response(200)
                    while True:
                        self.wfile.write(b"X-Wait: x\r\n")
                        self.wfile.flush()
                        threading.Event().wait(0.2)
                except OSError:
                    return
            answers = {
                "São Paulo & co": (200, {"weather": [{"description": "light rain"}], "main": {"temp": 71.3}}),
                "Odd": (200, {"weather": []}),
                "Broken": (500, {}),
            }
            status, body = answers.get(query["q"], (404, {"message": "city not found"}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data", queries
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_weather_service_that_dribbles_is_left():
    with weather_service() as (url, _):
        module = load("python/basic", WEATHER_BASE_URL=url)
        module.SECONDS = 2.0
        with Client(module.app) as client:
            slow = client.call_tool("get_weather", {"city": "Slow"}, raise_on_error=False)
            assert slow.text == "Error: there is no telling the weather in 'Slow': TimeoutError()"
            assert client.call_tool("get_weather", {"city": "x" * 70_000}, raise_on_error=False).is_error


def test_with_a_client(every_way):
    async def use(client):
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["echo", "current_time", "calculate", "calculate_sum", "get_weather"]
        assert await said(client, "echo", message="grüße") == "Echo: grüße"
        here = datetime.fromisoformat((await said(client, "current_time")).removeprefix("Current time: "))
        assert here.tzinfo is None and abs(datetime.now() - here) < timedelta(minutes=5)
        there = datetime.fromisoformat(
            (await said(client, "current_time", timezone="Asia/Kathmandu")).removeprefix("Current time: ")
        )
        assert there.utcoffset() == timedelta(hours=5, minutes=45)
        assert abs(datetime.now().astimezone() - there) < timedelta(minutes=5)
        for zone in ("Mars/Olympus", "../../etc/passwd", "America", ""):
            assert re.fullmatch(f"Error: .*{re.escape(zone)}.*", await refused(client, "current_time", timezone=zone))
        assert await said(client, "calculate", expression="2 + 3 * 4") == "Result: 14"
        assert await refused(client, "calculate", expression="import os") == "Error: Invalid characters in expression"
        assert await refused(client, "calculate", expression="1 / 0") == "Error: division by zero"
        total = await client.call_tool("calculate_sum", {"a": 5, "b": 3})
        # Older revisions have structured content that is an object, and nothing else.
        expected = {"result": 8} if every_way[1] == "legacy" else 8
        assert float(text(total)) == 8 and total.structured_content == expected
        assert "/a" in await refused(client, "calculate_sum", a="five", b=3)
        assert "city" in await refused(client, "get_weather")
        with_rain = await said(client, "get_weather", city="São Paulo & co")
        assert with_rain == "The weather in São Paulo & co is light rain and 71.3°F"
        assert queries[-1] == ("/data/weather", {"q": "São Paulo & co", "units": "imperial"})
        for city, reason in (("Nowhere", "'Nowhere'"), ("Odd", "IndexError"), ("Broken", "500")):
            assert re.fullmatch(f"Error: .*{reason}.*", await refused(client, "get_weather", city=city), re.S)

    with weather_service() as (base, queries):
        converse("python/basic", every_way, use, env={"WEATHER_BASE_URL": base})


def test_a_dead_weather_service_is_an_error():
    with weather_service() as (base, _):
        pass
    app = load("python/basic", WEATHER_BASE_URL=base).app
    with Client(app) as client:
        answer = client.call_tool("get_weather", {"city": "Paris"}, raise_on_error=False)
        assert answer.is_error and answer.text.startswith("Error: ")


@pytest.fixture(scope="module")
def calculate():
    app = load("python/basic").app
    with Client(app) as client:

        def call(expression):
            result = client.call_tool("calculate", {"expression": expression}, raise_on_error=False)
            return result.is_error, result.text

        yield call


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("14", "14"),
        (" 2+3*4 ", "14"),
        ("(2+3)*4", "20"),
        ("-2**2", "-4"),
        ("(-2)**2", "4"),
        ("2**-1", "0.5"),
        ("2**3**2", "512"),
        ("10-4-3", "3"),
        ("7//2", "3"),
        ("-7//2", "-4"),
        ("-7%3", "2"),
        ("7/2", "3.5"),
        ("8/4/2", "1.0"),
        ("--3", "3"),
        ("2*-3", "-6"),
        (".5+1.", "1.5"),
        ("2**64*2**64", str(2**128)),
        ("sqrt(16)", "4.0"),
        ("abs(-3)", "3"),
        ("min(3,1,2)+max(4)", "5"),
        ("round(2.567, 2)", "2.57"),
        ("floor(2.7)+ceil(2.1)", "5"),
        ("log(8, 2)", "3.0"),
        ("log10(1000)", str(math.log10(1000))),
        ("exp(0)+sin(0)+cos(0)+tan(0)", "2.0"),
        ("2*pi", str(2 * math.pi)),
        ("e", str(math.e)),
        ("9" * 999, "9" * 999),
        ("+".join(["1"] * 500), "500"),
        ("(" * 99 + "1" + ")" * 99, "1"),
        ("-" * 99 + "1", "-1"),
        ("1**" * 300 + "1", "1"),
        ("round(2.5, 10**900)", "2.5"),
        ("round(5, 0 - 10**900)", "0"),
    ],
)
def test_arithmetic(calculate, expression, value):
    assert calculate(expression) == (False, f"Result: {value}")


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')", "os", "().__class__", "x", "1e5", "0x10", "1_000", "2j", "1 if 2 else 3",
        "a = 1", "'a'", "[1]", "{1}", "1;2", "1\n2", "f(1)", "sqrt.x", "exec(1)", "lambda: 1", "1 or 2", "²", "١",
        "1\0", "pi.real", "pi.e", "2e+3", "1.e-3", "2e", "log2(8)", "eval(1)", "1 < 2", "1 & 2", "~1",
        "1 ^ 2", "@", "\\", "#",
    ],
)  # fmt: skip
def test_what_can_never_occur_is_refused_with_the_text_of_old(calculate, expression):
    assert calculate(expression) == (True, "Error: Invalid characters in expression")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "invalid syntax"),
        ("1 +", "invalid syntax"),
        ("(1", "'(' was never closed"),
        ("1)", "unmatched ')'"),
        ("1 2", "invalid syntax.*"),
        ("1.2.3", "invalid syntax.*"),
        ("* 2", ".*"),
        ("()", "() is no number"),
        ("sqrt", "sqrt is no number"),
        ("sqrt 2", "invalid syntax.*"),
        ("sqrt()", ".*sqrt.* takes exactly one argument .*"),
        ("sqrt(1, 2)", ".*sqrt.* takes exactly one argument .*"),
        ("sqrt(4)(4)", "sqrt(4)(4) is no number"),
        ("pi(1)", "pi(1) is no number"),
        ("1, 2", "(1, 2) is no number"),
        ("max(*e)", "*e is no number"),
        ("max(**e)", "max(**e) is no number"),
        ("007", "leading zeros .*"),
        ("5 // 0", ".*zero"),
        ("5 % 0", ".*zero"),
        ("0 ** -1", ".*"),
        ("(-8) ** 0.5", "the result is no real number"),
        ("sqrt(-1)", ".*"),
        ("log(0)", ".*"),
        ("exp(1000)", "the result is too large"),
        ("9.0 ** 999", "the result is too large"),
        ("9" * 400 + ".0", "the result is too large"),
        ("10 ** 999 / 3", "the result is too large"),
        ("10 ** 1000", "a number has more than 1,000 digits"),
        ("9**9**9**9**9", "a number has more than 1,000 digits"),
        ("(10**999) * 10", "a number has more than 1,000 digits"),
        ("round(5, 0.5)", ".*float.*integer.*"),
        ("(" * 101 + "1" + ")" * 101, "the expression is nested too deeply"),
        ("-" * 999 + "1", "the expression is nested too deeply"),
        ("1+" * 500 + "1", "the expression is longer than 1,000 characters"),
        ("(" * 100_000, "the expression is longer than 1,000 characters"),
    ],
)
def test_errors_of_arithmetic(calculate, expression, reason):
    is_error, answer = calculate(expression)
    pattern = re.escape(reason).replace(re.escape(".*"), ".*")
    assert is_error and re.fullmatch(f"Error: {pattern}", answer), answer


def test_as_the_unit_tests_of_its_readers():
    app = load("python/basic").app
    assert app.tools["calculate_sum"].fn(5, 3) == 8
    assert app.tools["echo"].fn("hi") == "Echo: hi"
    with Client(app) as client:
        assert client.call_tool("calculate_sum", {"a": 5, "b": 3}).data == 8
