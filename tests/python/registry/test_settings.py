"""Settings of a server."""

import itertools

import pytest
from tenon_mcp import RegistrationError, Server, ToolError
from wire import serving

ICON = {"src": "https://example.com/i.png", "mimeType": "image/png"}


def test_who_a_server_is():
    app = Server("n", "1", title="T", description="D", icons=[ICON], website_url="https://example.com/")
    info = {"name": "n", "title": "T", "version": "1", "description": "D", "websiteUrl": "https://example.com/",
            "icons": [ICON]}
    with serving(app) as client:
        assert client.server["serverInfo"] == info
    with serving(app, modern=True) as client:
        result = client.request("server/discover")["result"]
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"] == info


def test_revisions_restrict_what_is_spoken():
    app = Server("n", revisions=["2025-06-18"])
    with serving(app) as client:
        assert client.server["protocolVersion"] == "2025-06-18"
    with serving(app, modern=True) as client:
        assert "error" in client.request("tools/list")


def test_a_setting_without_an_end_is_refused():
    with pytest.raises(RegistrationError, match="revisions has more than 10,000 items; pass fewer"):
        Server("n", revisions=itertools.repeat("2025-06-18"))


def test_capabilities_and_extensions_without_anything_registered():
    app = Server("n", capabilities=["prompts", "completions"], extensions={"com.example/x": {"a": 1}})
    with serving(app, modern=True) as client:
        told = client.request("server/discover")["result"]["capabilities"]
        assert {"prompts", "completions"} <= set(told) and told["extensions"] == {"com.example/x": {"a": 1}}
        assert client.request("prompts/list")["result"]["prompts"] == []


def test_how_long_answers_may_be_kept():
    app = Server("n", cache_hints=2.5, cache_hints_of={"tools/list": {"ttl": 1, "scope": "private"}})
    app.tool("a")(lambda: 1)
    app.resource("test://a", cache_hints={"ttl": 60})(lambda: "")
    app.resource("test://b")(lambda: "")

    def hints(result):
        return result["ttlMs"], result["cacheScope"]

    with serving(app, modern=True) as client:
        assert hints(client.request("server/discover")["result"]) == (2500, "public")
        assert hints(client.request("tools/list")["result"]) == (1000, "private")
        assert hints(client.request("resources/read", uri="test://a")["result"]) == (60000, "public")
        assert hints(client.request("resources/read", uri="test://b")["result"]) == (2500, "public")


def test_arguments_of_all_tools():
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": "date"}, "b": {"type": "integer"}}}

    def make(**settings):
        app = Server("n", **settings)
        app.tool("f", input_schema=schema)(lambda **arguments: arguments)
        return app

    with serving(make()) as client:
        assert "/a" in client.error("f", a="soon")
        assert client.text("f", b="1") == '{"b":1}'
    with serving(make(assert_formats=False, coerce_arguments=False)) as client:
        assert client.text("f", a="soon") == '{"a":"soon"}'
        assert "/b" in client.error("f", b="1")


def test_pages():
    app = Server("n", page_size=2)
    for name in "abc":
        app.tool(name)(lambda: 1)
    with serving(app) as client:
        first = client.request("tools/list")["result"]
        assert [tool["name"] for tool in first["tools"]] == ["a", "b"]
        then = client.request("tools/list", cursor=first["nextCursor"])["result"]
        assert [tool["name"] for tool in then["tools"]] == ["c"] and "nextCursor" not in then


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"title": 3}, "title"),
        ({"icons": [{}]}, "src"),
        ({"website_url": "nowhere"}, "websiteUrl"),
        ({"icons": [object()]}, "not JSON"),
        ({"revisions": ["2025-06-19"]}, "there is no revision \"2025-06-19\"; the revisions are 2026-07-28"),
        ({"revisions": "2025-06-18"}, "revisions must be a list"),
        ({"revisions": []}, "at least one"),
        ({"capabilities": ["tool"]}, "there is no capability \"tool\""),
        ({"extensions": {"com.example/x": 3}}, "com.example/x"),
        ({"extensions": {"x": {}}}, "must have a prefix"),
        ({"cache_hints": {"time": 3}}, "\"time\"; the options are ttl, scope"),
        ({"cache_hints_of": {"tools/call": 3}}, "results of \"tools/call\" cannot have caching hints; those of"),
        ({"mask_errors": "no"}, "mask_errors must be True or False, not 'no'"),
        ({"assert_formats": 1}, "assert_formats"),
    ],
    ids=range(14),
)
def test_wrong_settings_are_refused_by_name(settings, part):
    with pytest.raises(RegistrationError) as caught:
        Server("n", **settings)
    assert part in str(caught.value)


@pytest.mark.parametrize("hints", [-1, "long", {"ttl": "long"}], ids=str)
def test_a_time_is_a_number(hints):
    with pytest.raises(ValueError, match="seconds"):
        Server("n", cache_hints=hints)


def test_the_level_of_the_log_and_what_it_refuses(caplog):
    def said(**settings):
        app = Server("n", **settings)

        @app.tool
        async def refuse() -> None:
            raise ToolError("for the client")

        caplog.clear()
        with caplog.at_level("DEBUG", "tenon_mcp"), serving(app) as client:
            # A call is logged after its answer. One loop runs both, so the first is logged before the second begins.
            for _ in range(2):
                assert client.call("refuse")["isError"]
        return [record.levelname for record in caplog.records]

    assert said() in (["DEBUG"], ["DEBUG", "DEBUG"])
    assert said(log_level="info") == []
    for wrong in ("loud", 10):
        with pytest.raises(RegistrationError, match="log_level must be 'debug', 'info', 'warn' or 'error'"):
            Server("n", log_level=wrong)
    with pytest.raises(RegistrationError, match="end_with_stdin must be True or False"):
        Server("n", end_with_stdin="no")
