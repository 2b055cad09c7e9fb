"""Programs as users write them, and what type checkers make of them. Nobody runs this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from tenon_mcp import (
    JWT,
    Answer,
    ApiKey,
    ApiKeys,
    Context,
    Depends,
    Entry,
    Introspection,
    Principal,
    RateLimit,
    Root,
    Server,
    Settings,
    SyncContext,
    ToolResult,
)
from typing_extensions import assert_type

app = Server("demo", "1.0.0", title="Demo", call_timeout=2.5, max_calls=10)
Server("demo", max_calls="many")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
Server("demo", max_cals=10)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
own_settings = Settings("app.toml", prefix="", sections={"shop": {"type": "object"}}, values={"limits.max_calls": 5})
assert_type(Server(settings=own_settings, title="Demo").settings, Settings | None)
Server(settings="app.toml")
Server(settings=5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
keys = ApiKeys(keys=[ApiKey(subject="ann", value="x"), {"subject": "bob", "env": "KEY"}], header="x-api-key")
tokens = [JWT(issuer="https://a.example", leeway=5), Introspection(url="https://a.example", client_id="shop")]
Server("demo", auth=[keys, *tokens, {"type": "jwt"}], access_of_tags={"a": {"roles": ["x"]}}, principal=Principal("a"))
JWT(isuer="https://a.example")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
Server("demo", anonymous="never")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@app.tool(scopes=["read"], roles=["admin"], audit=["id"], confirm="Sure?")
async def who(ctx: Context) -> str:
    assert_type(ctx.principal, "Principal | None")
    ctx.login({"subject": "ann"})
    principal = ctx.principal or Principal("nobody", scopes=["read"])
    assert_type(principal.scopes, "tuple[str, ...]")
    return f"{principal.has_role('admin')} {principal.claims.get('sub')} {principal.expires_at}"


@app.tool(rate_limit=[RateLimit(60, per=60, by="principal", burst=5), "9/s", {"amount": 1, "per": 1}])
def limited() -> str:
    return ""


Server("demo", rate_limit="600/min")
RateLimit(60, per="minute")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
RateLimit(60, per=60, window="fixed")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# A decorator leaves the function as it is, with and without parentheses.
@app.tool
def add(a: int, b: int) -> int:
    return a + b


@app.tool("sum", title="Sum", thread="main", timeout=3)
def total(values: list[float]) -> float:
    return sum(values)


@app.tool(name="product", title="Product")
def product(values: list[float]) -> float:
    return values[0]


@app.prompt(name="greeting")
def greet(name: str) -> str:
    return name


@app.resource(uri="demo://{place}", name="place")
def place(place: str) -> str:
    return place


assert_type(product([1]), float)
app.tool(name=3)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]


@dataclass
class Place:
    city: str


async def fetch() -> bytes:
    return b""


@app.tool()
async def wait(seconds: float, ctx: Context) -> ToolResult:
    ctx.progress(0.5, 1)
    answer = await ctx.elicit("Sure?", {"type": "object", "properties": {}})
    assert_type(answer, Answer)
    assert_type(answer.action, str)
    typed = await ctx.elicit("Where?", Place)
    assert_type(typed, "Answer[Place | None]")
    assert_type(typed.content, "Place | None")
    await ctx.elicit("Where?", 3)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.log("warning", "x")
    ctx.log("warn", "x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(await ctx.roots(), list[Root])
    assert_type(await ctx.once("key", lambda: 3), int)
    assert_type(await ctx.once("other", fetch), bytes)
    # What asks is awaited.
    print(ctx.elicit("Sure?", {}).action)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    return ToolResult([])


@app.tool
def wait_sync(ctx: SyncContext) -> str:
    answer = ctx.elicit("Sure?", {"type": "object", "properties": {}})
    assert_type(answer, Answer)
    assert_type(ctx.elicit("Where?", Place, key="where").content, "Place | None")
    assert_type(ctx.roots(), list[Root])
    assert_type(ctx.once("key", lambda: "x"), str)
    assert_type(ctx.request_id, "str | int | None")
    assert_type(ctx.client_capabilities, dict[str, Any])
    assert_type(ctx.headers, dict[str, str])
    assert_type(ctx.protocol_version, str)
    return answer.text


def settings() -> dict[str, str]:
    return {}


@app.tool
def depends(held: Annotated[dict[str, str], Depends(settings)], other: list[str] = Depends(list)) -> str:  # noqa: B008
    assert_type(held, dict[str, str])
    return held["a"]


app.dependency_overrides[settings] = lambda: {"a": "b"}
assert_type(add(1, 2), int)
assert_type(total([1.0]), float)
add("1", 2)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
app.tool(thread="gpu")  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]


@app.resource("config://app", mime_type="application/json")
def config() -> dict[str, Any]:
    return {"v": 1}


@app.prompt
def ask(topic: str) -> str:
    return f"Explain {topic}"


@app.completion(prompt="ask", argument="topic")
async def topics(value: str) -> list[str]:
    return [value]


@app.on("session_start")
def began(ctx: SyncContext) -> None:
    assert_type(ctx.session_id, "str | None")


assert_type(config(), dict[str, Any])
assert_type(ask("x"), str)
assert_type(app.entries("tool"), list[Entry])
assert_type(app.remove("tool", "add"), bool)
assert_type(app.url, "str | None")


async def embedded() -> None:
    await app.serve(http={"host": "127.0.0.1", "port": 0}, websocket="/ws")


def plug_in(register: Callable[[int], None]) -> None:
    app.start(http=8000)
    register(app.wake_fd)
    assert_type(app.poll(0.001, timeout=None), bool)


def main() -> None:
    app.run(http="127.0.0.1:8000", unix="/tmp/x", stdio=True, on_started=lambda server: assert_type(server, Server))
    app.run(http=b"8000")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    app.run(http={"prot": 1})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
