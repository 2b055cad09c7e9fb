"""Asking the client, in both eras, from both kinds of tools."""

import asyncio
import json
import threading
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, NamedTuple, TypedDict

import pytest
from tenon_mcp import Answer, AskError, Context, RegistrationError, Server, Suspended, SyncContext, ToolError
from tenon_mcp.testing import Client
from wire import SECONDS, serving


def form(name):
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


def make_two(runs):
    async def two_async(ctx: Context) -> str:
        runs.append("run")
        first = await ctx.elicit("First?", form("value"))
        second = await ctx.elicit("Second?", form("value"))
        return f"{first.content['value']} {second.content['value']}"

    return two_async


def make(runs):
    app = Server("t")

    @app.tool("ask_async")
    async def ask_async(ctx: Context) -> str:
        runs.append("run")
        answer = await ctx.elicit("Name?", form("name"))
        assert isinstance(answer, Answer)
        return f"{answer.action} {json.dumps(answer.content)}"

    @app.tool("ask_sync")
    def ask_sync(ctx: SyncContext) -> str:
        runs.append("run")
        answer = ctx.elicit("Name?", form("name"))
        assert isinstance(answer, Answer)
        return f"{answer.action} {json.dumps(answer.content)}"

    app.tool("two_async")(make_two(runs))

    @app.tool("two_sync")
    def two_sync(ctx: SyncContext) -> str:
        runs.append("run")
        first = ctx.elicit("First?", form("value"))
        second = ctx.elicit("Second?", form("value"))
        return f"{first.content['value']} {second.content['value']}"

    @app.tool
    async def parallel(ctx: Context) -> str:
        runs.append("run")
        answers = await asyncio.gather(
            *(ctx.elicit(f"{name}?", form("value"), key=name) for name in ("first", "second", "third"))
        )
        return " ".join(answer.content["value"] for answer in answers)

    @app.tool
    async def careful(ctx: Context) -> str:
        try:
            await ctx.elicit("Name?", form("name"))
        except AskError as error:
            return f"caught: {error} [{error.code}]"

    @app.tool
    def careful_sync(ctx: SyncContext) -> str:
        try:
            ctx.elicit("Name?", form("name"))
        except AskError as error:
            return f"caught: {error} [{error.code}]"

    @app.tool
    async def bad(ctx: Context, schema: dict) -> str:
        await ctx.elicit("Name?", schema)

    @app.tool
    async def twice(ctx: Context) -> str:
        await asyncio.gather(ctx.elicit("a", form("v"), key="k"), ctx.elicit("b", form("v"), key="k"))

    @app.tool
    async def guarded(ctx: Context) -> str:
        runs.append("run")
        try:
            answer = await asyncio.wait_for(ctx.elicit("Name?", form("name")), SECONDS)
            return answer.content["name"]
        finally:
            runs.append("finally")

    @app.tool
    def guarded_sync(ctx: SyncContext) -> str:
        runs.append("run")
        try:
            return ctx.elicit("Name?", form("name")).content["name"]
        except Suspended:
            runs.append("suspended")
            raise
        finally:
            runs.append("finally")

    return app


@pytest.fixture
def runs():
    return []


def accept(**content):
    return {"action": "accept", "content": content}


def reply_legacy(client, answer):
    """Answers one question; returns its parameters."""
    question = client.receive()
    assert question["method"] == "elicitation/create"
    client.send(id=question["id"], result=answer)
    return question["params"]


def converse(client, name, answers):
    """Calls a modern tool again and again with the answers by key; returns the result and the questions by round."""
    rounds = []
    more = {}
    while True:
        result = client.answer(client.start_call(name, **more))["result"]
        if result.get("resultType") != "input_required":
            return result, rounds
        asked = result["inputRequests"]
        rounds.append({key: request["params"]["message"] for key, request in asked.items()})
        more = {
            "requestState": result["requestState"],
            "inputResponses": {key: answers.pop(0) for key in asked},
        }


@pytest.mark.parametrize("name", ["ask_async", "ask_sync"])
def test_legacy(runs, name):
    with serving(make(runs)) as client:
        for answer, text in [
            (accept(name="Bo"), 'accept {"name": "Bo"}'),
            ({"action": "decline"}, "decline null"),
            ({"action": "cancel"}, "cancel null"),
        ]:
            request = client.start_call(name)
            params = reply_legacy(client, answer)
            assert (params["message"], params["requestedSchema"]) == ("Name?", form("name"))
            assert client.answer(request)["result"]["content"][0]["text"] == text
    assert runs == ["run"] * 3


@pytest.mark.parametrize("name", ["ask_async", "ask_sync"])
def test_modern(runs, name):
    with serving(make(runs), modern=True) as client:
        for answer, text in [(accept(name="Bo"), 'accept {"name": "Bo"}'), ({"action": "decline"}, "decline null")]:
            result, rounds = converse(client, name, [answer])
            assert rounds == [{"ask-1": "Name?"}]
            assert result["content"][0]["text"] == text
        assert client.rest() == []
    assert runs == ["run"] * 4


@pytest.mark.parametrize("name", ["two_async", "two_sync"])
def test_one_after_the_other(runs, name):
    with serving(make(runs)) as client:
        request = client.start_call(name)
        assert reply_legacy(client, accept(value="a"))["message"] == "First?"
        assert reply_legacy(client, accept(value="b"))["message"] == "Second?"
        assert client.answer(request)["result"]["content"][0]["text"] == "a b"
    assert runs == ["run"]
    with serving(make(runs), modern=True) as client:
        result, rounds = converse(client, name, [accept(value="a"), accept(value="b")])
        assert rounds == [{"ask-1": "First?"}, {"ask-2": "Second?"}]
        assert result["content"][0]["text"] == "a b"
    assert runs == ["run"] * 4


def test_questions_at_once_go_out_together(runs):
    with serving(make(runs)) as client:
        request = client.start_call("parallel")
        questions = [client.receive() for _ in range(3)]
        assert [question["params"]["message"] for question in questions] == ["first?", "second?", "third?"]
        for question in reversed(questions):
            client.send(id=question["id"], result=accept(value=question["params"]["message"]))
        assert client.answer(request)["result"]["content"][0]["text"] == "first? second? third?"
    with serving(make(runs), modern=True) as client:
        result, rounds = converse(client, "parallel", [accept(value=value) for value in "123"])
        assert rounds == [{"first": "first?", "second": "second?", "third": "third?"}]
        assert result["content"][0]["text"] == "1 2 3"
        assert client.rest() == []
    assert runs == ["run"] * 3


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_a_client_that_cannot_be_asked(runs, modern, suffix):
    with serving(make(runs), modern=modern, capabilities={}) as client:
        answer = client.answer(client.start_call(f"ask_{suffix}"))
        if modern:
            assert answer["error"]["data"] == {"requiredCapabilities": {"elicitation": {"form": {}}}}
        else:
            assert answer["result"]["isError"] is True
            assert "cannot be asked" in answer["result"]["content"][0]["text"]
        careful = "careful" if suffix == "async" else "careful_sync"
        text = client.text(careful)
        assert text.startswith("caught: The client cannot be asked") and text.endswith("[unsupported]")


@pytest.mark.parametrize("name", ["careful", "careful_sync"])
@pytest.mark.parametrize(
    ("reply", "part"),
    [
        ({"result": accept(name=3)}, "not usable"),
        ({"result": accept()}, "not usable"),
        ({"result": {"action": "maybe"}}, "action"),
        ({"error": {"code": -1, "message": "no screen"}}, "no screen"),
    ],
    ids=range(4),
)
def test_answers_that_are_not_usable(runs, name, reply, part):
    with serving(make(runs)) as client:
        request = client.start_call(name)
        question = client.receive()
        client.send(id=question["id"], **reply)
        text = client.answer(request)["result"]["content"][0]["text"]
        assert text.startswith("caught: ") and part in text and text.endswith("[failed]")


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "object"}, {"type": "object", "properties": {
    "a": {"type": "object"}}}], ids=range(3))
def test_a_question_that_is_wrong(runs, schema):
    for modern in (False, True):
        with serving(make(runs), modern=modern) as client:
            assert "elicitation" in client.error("bad", schema=schema)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_has_a_code(is_async):
    """The other two codes are in `test_a_client_that_cannot_be_asked` and `test_answers_that_are_not_usable`."""
    app = Server("t")
    codes = []
    started, go, ended = threading.Event(), threading.Event(), threading.Event()

    @app.tool("invalid_sync")
    def invalid_sync(ctx: SyncContext):
        try:
            ctx.elicit("Name?", {"type": "string"})
        except AskError as error:
            codes.append(error.code)

    @app.tool("invalid_async")
    async def invalid_async(ctx: Context):
        try:
            await ctx.elicit("Name?", {"type": "string"})
        except AskError as error:
            codes.append(error.code)

    @app.tool("ended_sync", timeout=0.01)
    def ended_sync(ctx: SyncContext):
        started.set()
        go.wait(SECONDS)
        try:
            ctx.elicit("Name?", form("name"))
        except AskError as error:
            codes.append(error.code)
            ended.set()

    @app.tool("ended_async", timeout=0.01)
    async def ended_async(ctx: Context):
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            try:
                await ctx.elicit("Name?", form("name"))
            except AskError as error:
                codes.append(error.code)
                ended.set()
            raise

    with serving(app) as client:
        suffix = "async" if is_async else "sync"
        client.call(f"invalid_{suffix}")
        assert "timed out" in client.error(f"ended_{suffix}")
        assert started.wait(SECONDS)
        go.set()
        assert ended.wait(SECONDS)
    assert codes == ["invalid", "ended"]
    assert AskError("of a program's own").code == "failed"


def test_replicas_that_share_a_key_continue_each_others_questions(runs):
    old, new, other = (bytes([n]) * 32 for n in range(3))

    def replica(*keys):
        app = Server("t", state_keys=keys)
        app.tool("two_async")(make_two(runs))
        return app

    with (
        serving(replica(new), modern=True) as first,
        serving(replica(new, old), modern=True) as second,
        serving(replica(old), modern=True) as third,
        serving(replica(other), modern=True) as stranger,
        serving(replica(), modern=True) as random,
    ):
        def round_of(client, **more):
            return client.answer(client.start_call("two_async", **more))

        result, rounds = round_of(first)["result"], 0
        for client in (second, first):
            assert result["resultType"] == "input_required"
            (key,) = result["inputRequests"]
            more = {"requestState": result["requestState"], "inputResponses": {key: accept(value=key)}}
            assert "requestState is not valid" in round_of(stranger, **more)["error"]["message"]
            assert "requestState is not valid" in round_of(random, **more)["error"]["message"]
            result = round_of(client, **more)["result"]
            rounds += 1
        assert rounds == 2 and result["content"][0]["text"] == "ask-1 ask-2"
        # A key that is being replaced still opens, and seals no more.
        state = round_of(third)["result"]["requestState"]
        answers = {"ask-1": accept(value="x")}
        result = round_of(second, requestState=state, inputResponses=answers)["result"]
        more = {"requestState": result["requestState"], "inputResponses": {"ask-2": accept(value="y")}}
        assert "requestState is not valid" in round_of(third, **more)["error"]["message"]
        assert round_of(first, **more)["result"]["content"][0]["text"] == "x y"


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ([b"secret"], r"state_keys\[0\] must have 32 bytes, not 6"),
        ([b"x" * 32, "secret" * 6], r"state_keys\[1\] must be bytes, not str"),
        (b"secret" * 8, "must be a list of keys"),
    ],
    ids=range(3),
)
def test_wrong_keys_are_refused_and_not_shown(keys, part):
    with pytest.raises(RegistrationError, match=part) as caught:
        Server("t", state_keys=keys)
    assert "secret" not in str(caught.value)


def test_a_key_used_twice(runs):
    with serving(make(runs)) as client:
        assert "'k'" in client.error("twice").replace('"', "'")


def test_an_attempt_unwinds_through_finally(runs):
    with serving(make(runs), modern=True) as client:
        result, _ = converse(client, "guarded", [accept(name="Bo")])
        assert result["content"][0]["text"] == "Bo"
        assert runs == ["run", "finally", "run", "finally"]
        runs.clear()
        result, _ = converse(client, "guarded_sync", [accept(name="Bo")])
        assert result["content"][0]["text"] == "Bo"
        assert runs == ["run", "suspended", "finally", "run", "finally"]


@pytest.mark.parametrize("name", ["ask_async", "ask_sync"])
def test_cancelling_a_call_that_waits_for_an_answer(runs, name):
    app = make(runs)
    ended = threading.Event()

    @app.tool("waits_async")
    async def waits_async(ctx: Context):
        try:
            await ctx.elicit("Name?", form("name"))
        finally:
            ended.set()

    @app.tool("waits_sync")
    def waits_sync(ctx: SyncContext):
        try:
            ctx.elicit("Name?", form("name"))
        finally:
            ended.set()

    with serving(app) as client:
        request = client.start_call(name.replace("ask", "waits"))
        question = client.receive()
        client.cancel(request)
        assert ended.wait(SECONDS)
        # The client's own answer comes too late, and does no harm.
        client.send(id=question["id"], result=accept(name="late"))
        client.request("ping")
        assert [message.get("method") for message in client.rest()] == ["notifications/cancelled"]


def test_every_worker_may_wait_for_an_answer(runs):
    """The answers get through although no worker is free to fetch them."""
    app = Server("t", max_workers=2)

    @app.tool
    def ask(ctx: SyncContext) -> str:
        return ctx.elicit("Name?", form("name")).content["name"]

    with serving(app) as client:
        requests = [client.start_call("ask") for _ in range(6)]
        texts = []
        for _ in range(6):
            question = client.question()
            client.send(id=question["id"], result=accept(name=f"n{question['id']}"))
        for request in requests:
            texts.append(client.answer(request)["result"]["content"][0]["text"])
        assert sorted(texts) == [f"n{n}" for n in range(1, 7)]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Filled:
    """What a person says."""

    name: Annotated[str, {"maxLength": 9}]
    day: date
    colour: Colour = Colour.RED
    age: int | None = None


class Named(TypedDict):
    name: str


class FilledDict(Named, total=False):
    day: date


class FilledTuple(NamedTuple):
    name: str
    day: date = date(2026, 1, 1)


@dataclass
class Nested:
    inner: Filled


@dataclass
class Vague:
    name: str | None


def filled(kinds, seen):
    app = Server("t")

    def tool(name, kind):
        @app.tool(f"{name}_async")
        async def ask_async(ctx: Context) -> str:
            seen.append(await ctx.elicit("Who?", kind))
            return "ok"

        @app.tool(f"{name}_pool")
        def ask_pool(ctx: SyncContext) -> str:
            seen.append(ctx.elicit("Who?", kind))
            return "ok"

    for name, kind in kinds.items():
        tool(name, kind)
    return app


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("lane", ["async", "pool"])
def test_a_form_is_a_type(modern, lane):
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        name: str = pydantic.Field(max_length=9)
        day: date
        nick: str | None = None

    kinds = {"dataclass": Filled, "model": Model, "dict": FilledDict, "tuple": FilledTuple}
    wanted = {
        "dataclass": Filled("Bo", date(2026, 1, 2)),
        "model": Model(name="Bo", day=date(2026, 1, 2)),
        "dict": {"name": "Bo", "day": date(2026, 1, 2)},
        "tuple": FilledTuple("Bo", date(2026, 1, 2)),
    }
    seen = []
    asked = []

    def answer(params):
        asked.append(params["requestedSchema"])
        return {"name": "Bo", "day": "2026-01-02"}

    revision = "2026-07-28" if modern else "2025-11-25"
    app = filled(kinds, seen)
    with Client(app, revision=revision, elicit=answer) as client:
        for name, value in wanted.items():
            client.call_tool(f"{name}_{lane}")
            given = seen.pop()
            assert (given.action, given.content, type(given.content)) == ("accept", value, type(value))
            assert asked[-1].keys() <= {"type", "properties", "required"}
    assert asked[0] == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 9},
            "day": {"type": "string", "format": "date"},
            "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "age": {"type": "integer"},
        },
        "required": ["name", "day"],
    }
    with Client(app, revision=revision, elicit=False) as client:
        client.call_tool(f"dataclass_{lane}")
        assert (seen[-1].action, seen[-1].content) == ("decline", None)


@pytest.mark.parametrize("lane", ["async", "pool"])
def test_what_no_form_holds_is_refused_by_name(lane):
    kinds = {"nested": Nested, "vague": Vague, "number": int, "odd": threading.Thread}
    parts = {"nested": "inner", "vague": "Vague.name may be None", "number": "int is not a form", "odd": "Thread"}
    with Client(filled(kinds, []), elicit={}) as client:
        for name, part in parts.items():
            with pytest.raises(ToolError, match=part):
                client.call_tool(f"{name}_{lane}")


def test_an_answer_that_the_type_refuses():
    with Client(filled({"f": Filled}, []), elicit={"name": "Bo", "day": "2026-01-02", "more": 1}) as client:
        with pytest.raises(ToolError, match="not usable: /more: "):
            client.call_tool("f_pool")


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("thread", ["loop", "pool"])
def test_middleware_around_a_function_that_asks_by_a_type(revision, thread):
    app = Server("t")
    seen = []

    @app.middleware
    async def around(ctx: Context, call_next):
        seen.append((await ctx.elicit("Before?", Filled, key="before")).content)
        return await call_next()

    @app.tool(thread=thread)
    def ask(ctx: SyncContext) -> str:
        return str(ctx.elicit("Who?", Filled, key="own").content)

    given = {"name": "Bo", "day": "2026-01-02"}
    with Client(app, revision=revision, elicit=given) as client:
        assert client.call_tool("ask").text == str(Filled("Bo", date(2026, 1, 2)))
    assert set(map(str, seen)) == {str(Filled("Bo", date(2026, 1, 2)))}
