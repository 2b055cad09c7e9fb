"""Tools that return content of every type, and whole results."""

import base64

import pytest
from tenon_mcp import Audio, Content, File, Image, ResourceContents, Server, ToolResult
from wire import serving

ICON = {"src": "https://example.com/i.png"}
FOR_USER = {"audience": ["user"], "priority": 0.5}


def result_of(value, version="2025-11-25", is_async=False, **options):
    app = Server("t")

    @app.tool("sync", **options)
    def sync():
        return value

    @app.tool("async", **options)
    async def as_async():
        return value

    with serving(app, version=version) as client:
        return client.call("async" if is_async else "sync")


def text(text):
    return {"type": "text", "text": text}


BLOCKS = [
    (Content.text("a", annotations=FOR_USER, meta={"a": 1}), {**text("a"), "annotations": FOR_USER, "_meta": {"a": 1}}),
    (Content.image(b"1", "image/png"), {"type": "image", "data": "MQ==", "mimeType": "image/png"}),
    (Image(b"1", "image/png", annotations=FOR_USER),
     {"type": "image", "data": "MQ==", "mimeType": "image/png", "annotations": FOR_USER}),
    (Content.audio(b"1", "audio/wav"), {"type": "audio", "data": "MQ==", "mimeType": "audio/wav"}),
    (Audio(memoryview(b"1"), "audio/wav", meta={"a": 1}),
     {"type": "audio", "data": "MQ==", "mimeType": "audio/wav", "_meta": {"a": 1}}),
    (Content.link("test://a", "n", title="T", description="D", mime_type="a/b", size=1, icons=[ICON]),
     {"type": "resource_link", "uri": "test://a", "name": "n", "title": "T", "description": "D", "mimeType": "a/b",
      "size": 1, "icons": [ICON]}),
    (Content.resource(ResourceContents("x", uri="test://a", mime_type="text/plain"), annotations=FOR_USER),
     {"type": "resource", "resource": {"uri": "test://a", "mimeType": "text/plain", "text": "x"},
      "annotations": FOR_USER}),
    (Content.resource(ResourceContents(b"x", uri="test://a")),
     {"type": "resource", "resource": {"uri": "test://a", "blob": "eA=="}}),
    (Content({"type": "text", "text": "as it is"}), text("as it is")),
    (File(b"\xff", "text/plain", uri="test://f"),
     {"type": "resource", "resource": {"uri": "test://f", "mimeType": "text/plain", "blob": "/w=="}}),
]


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), memoryview(b"x"), ResourceContents(b"x")], ids=type)
def test_bytes_are_embedded(value):
    contents = {"uri": "tool:///sync", "mimeType": "application/octet-stream", "blob": "eA=="}
    block = {"type": "resource", "resource": contents}
    assert result_of(value) == {"content": [block]}
    assert result_of(["before", value]) == {"content": [text("before"), block]}
    app = Server("t")
    app.prompt("bytes")(lambda: value)
    with serving(app) as client:
        (message,) = client.request("prompts/get", name="bytes")["result"]["messages"]
    assert message == {"role": "user", "content": {"type": "resource", "resource": {**contents, "uri": "prompt:///bytes"}}}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "block"), BLOCKS, ids=range(len(BLOCKS)))
def test_each_block_alone_and_among_others(value, block, is_async):
    assert result_of(value, is_async=is_async)["content"] == [block]
    assert result_of(["before", value], is_async=is_async)["content"] == [text("before"), block]
    assert result_of((value, "after"), is_async=is_async)["content"] == [block, text("after")]


def test_blocks_know_their_json_and_are_compared_by_it():
    assert Content.text("a") == Content.text("a") != Content.text("b")
    assert Content.text("a").json == text("a")
    assert len(repr(Image(b"1" * 1000, "image/png"))) < 300


def test_files(tmp_path):
    image, sound, markdown, unknown = (tmp_path / name for name in ("a.png", "a.mp3", "ä b.md", "a.unknownn"))
    for path in (image, sound, unknown):
        path.write_bytes(b"\x00\xff")
    markdown.write_text("# ä", encoding="utf-8")
    data = base64.b64encode(b"\x00\xff").decode()
    assert Image(image).json == {"type": "image", "data": data, "mimeType": "image/png"}
    assert Audio(str(sound)).json == {"type": "audio", "data": data, "mimeType": "audio/mpeg"}
    held = {"uri": markdown.as_uri(), "mimeType": "text/markdown", "text": "# ä"}
    assert File(markdown).json["resource"] == held
    held = {"uri": unknown.as_uri(), "mimeType": "application/octet-stream", "blob": data}
    assert File(unknown).json["resource"] == held
    assert File(unknown, "image/x", uri="test://u").json["resource"]["uri"] == "test://u"
    for wrong in (lambda: Image(unknown), lambda: Image(b"1"), lambda: File(b"1", "image/png")):
        with pytest.raises(ValueError, match="mime_type|uri"):
            wrong()
    with pytest.raises(TypeError, match="str or bytes"):
        ResourceContents(3)
    with pytest.raises(FileNotFoundError):
        Image(tmp_path / "none.png")


@pytest.mark.parametrize("is_async", [False, True])
def test_whole_results(is_async):
    def of(result, **options):
        return result_of(result, is_async=is_async, **options)

    whole = of(ToolResult(["a", Image(b"1", "image/png")], structured={"a": 1}, meta={"example.com/a": 2}))
    assert whole == {
        "content": [text("a"), BLOCKS[1][1]], "structuredContent": {"a": 1}, "_meta": {"example.com/a": 2},
    }
    assert of(ToolResult("sorry", is_error=True)) == {"content": [text("sorry")], "isError": True}
    assert of(ToolResult(structured={"a": 1})) == {"content": [text('{"a":1}')], "structuredContent": {"a": 1}}
    assert of(ToolResult()) == {"content": []}
    assert of(ToolResult(Content.text("a"))) == {"content": [text("a")]}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert "isError" not in of(ToolResult(structured={"a": 1}), output_schema=schema)
    assert of(ToolResult(structured={"a": "x"}), output_schema=schema)["isError"] is True
    with pytest.raises(TypeError, match="content must be a str or a Content"):
        ToolResult([3])


def test_what_a_type_declares_may_be_a_whole_result_too():
    app = Server("t")

    @app.tool
    def declared(whole: bool) -> dict:
        return ToolResult("a", structured={"b": 1}) if whole else {"c": 1}

    with serving(app) as client:
        assert client.call("declared", whole=True) == {"content": [text("a")], "structuredContent": {"b": 1}}
        assert client.call("declared", whole=False)["structuredContent"] == {"c": 1}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"a": Content.text("x")}, "returned Content (at [\"a\"]), which JSON cannot hold"),
        (Content({"type": "video"}), "content[0].type"),
        (Content({"type": "text"}), "text"),
        (ToolResult(structured=object()), "returned object (at [\"structuredContent\"]), which JSON cannot hold"),
        ([Content.text("a"), 3], "content[1]"),
        (ToolResult(["a"], meta={"mcp.dev/x": 1}), "_meta"),
        (Image(b"1" * 300, "image/png"), "max_result_bytes"),
        (b"1" * 300, "max_result_bytes"),
    ],
    ids=range(8),
)
def test_what_cannot_be_sent_names_the_tool_and_the_place(value, part):
    app = Server("t", max_result_bytes=256)
    app.tool("crash")(lambda: value)
    with serving(app) as client:
        error = client.error("crash")
        assert "crash" in error and part in error, error


def test_older_revisions_get_what_they_have():
    value = [Content.text("a", meta={"a": 1}), Content.link("test://a", "n")]
    assert result_of(value, "2025-06-18")["content"][1]["type"] == "resource_link"
    old = result_of(Content.text("a", annotations=FOR_USER, meta={"a": 1}), "2024-11-05")
    assert old["content"] == [{**text("a"), "annotations": FOR_USER}]


def test_members_of_a_tool():
    app = Server("t")
    app.tool("a", title="T", description="D", annotations={"readOnlyHint": True}, icons=[ICON], meta={"x": 1})(
        lambda: 1
    )
    with serving(app) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
    assert tool == {
        "name": "a", "title": "T", "description": "D", "annotations": {"readOnlyHint": True}, "icons": [ICON],
        "_meta": {"x": 1}, "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    }


def test_policies_of_arguments():
    app = Server("t", coerce_arguments=False)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}

    def tool(**arguments):
        return arguments

    app.tool("plain", input_schema=schema)(tool)
    app.tool("refuse", input_schema=schema, unknown_arguments="refuse")(tool)
    app.tool("drop", input_schema=schema, unknown_arguments="drop")(tool)
    app.tool("coerce", input_schema=schema, coerce_arguments=True)(tool)
    with serving(app) as client:
        assert client.text("plain", a=1, b=2) == '{"a":1,"b":2}'
        assert '"b"' in client.error("refuse", a=1, b=2)
        assert client.text("drop", a=1, b=2) == '{"a":1}'
        assert "/a" in client.error("plain", a="1")
        assert client.text("coerce", a="1") == '{"a":1}'
