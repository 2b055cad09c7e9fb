"""The example `robust`: codes and data of errors, what stands for what, and the log."""

import pytest
from example_servers import converse, load, refused
from mcp import MCPError
from tenon_mcp import McpError
from tenon_mcp.testing import Client

LARGE = 1e308


def test_with_a_client(every_way, tmp_path):
    log = tmp_path / "server.log"

    async def use(client):
        async def error(awaitable):
            with pytest.raises(MCPError) as raised:
                await awaitable
            return raised.value.error.code, raised.value.error.message, raised.value.error.data

        result = await client.call_tool("divide_numbers", {"a": 16, "b": 2})
        assert not result.is_error and float(result.content[0].text) == 8
        by_zero = (-32600, "Division by zero is not allowed", {"a": 1, "b": 0})
        assert await error(client.call_tool("divide_numbers", {"a": 1, "b": 0})) == by_zero
        code, message, data = await error(client.call_tool("divide_numbers", {"a": LARGE, "b": 1 / LARGE}))
        assert (code, message) == (-32600, "The quotient is too large") and data["a"] == LARGE
        unforeseen = (-32603, "Internal server error", {"error": "Test error"})
        assert await error(client.call_tool("error_tool", {})) == unforeseen
        assert "/b" in await refused(client, "divide_numbers", a=1, b="two")
        assert (await client.read_resource("documents://welcome")).contents[0].text == "Hello."
        assert (await error(client.read_resource("documents://payroll")))[:2] == (
            -32001,
            "Unauthorized access to resource",
        )
        code, message, _ = await error(client.read_resource("documents://nothing"))
        assert code == (-32002 if every_way[1] == "legacy" else -32602)
        assert message == "Resource not found: documents://nothing"
        assert (await client.call_tool("divide_numbers", {"a": 1, "b": 4})).content[0].text == "0.25"

    converse("python/robust", every_way, use, env={"LOG_FILE": str(log)})
    said = log.read_text()
    assert "robust-server - INFO - divided 16.0 by 2.0: 8.0" in said
    assert "robust-server - ERROR - divide_numbers failed: Division by zero is not allowed\nTraceback" in said
    assert "robust-server - ERROR - error_tool failed: Test error\nTraceback" in said
    assert "RuntimeError: Test error" in said


def test_as_the_tests_of_its_readers():
    app = load("python/robust").app
    with Client(app) as client:
        assert client.call_tool("divide_numbers", {"a": 16, "b": 2}).data == 8
        with pytest.raises(McpError) as refusal:
            client.call_tool("divide_numbers", {"a": 1, "b": 0})
        assert refusal.value.code == -32600 and "Division by zero" in refusal.value.message
    with pytest.raises(RuntimeError, match="^Test error$"):
        app.tools["error_tool"].fn()


def test_the_log_rotates_at_ten_megabytes_and_keeps_five(tmp_path):
    log = tmp_path / "server.log"
    log.write_bytes(b"full\n" * (10 * 1024 * 1024 // 5))
    for n in range(1, 6):
        (tmp_path / f"server.log.{n}").write_text(f"old {n}")

    async def use(client):
        await client.call_tool("divide_numbers", {"a": 1, "b": 2})

    converse("python/robust", ("stdio", "legacy"), use, env={"LOG_FILE": str(log)})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["server.log", *(f"server.log.{n}" for n in range(1, 6))]
    assert log.read_text().endswith("divided 1.0 by 2.0: 0.5\n") and log.stat().st_size < 200
    assert (tmp_path / "server.log.1").stat().st_size > 10_000_000
    assert (tmp_path / "server.log.5").read_text() == "old 4"
