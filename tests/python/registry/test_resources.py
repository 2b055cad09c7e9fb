"""Resources, templates and providers: what functions get and return, and what is refused."""


import pytest
from kind_requests import both, read
from tenon_mcp import (
    Context,
    NotFound,
    RegistrationError,
    ResourceContents,
    Server,
)
from wire import serving


@pytest.mark.parametrize(
    ("value", "contents"),
    [
        ("text", {"text": "text"}),
        (b"\x00\xff", {"mimeType": "application/octet-stream", "blob": "AP8="}),
        (bytearray(b"a"), {"mimeType": "application/octet-stream", "blob": "YQ=="}),
        ({"a": [1, None]}, {"mimeType": "application/json", "text": '{"a":[1,null]}'}),
        ("text\x00", {"text": "text\x00"}),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_resource_returns(value, contents, is_async):
    app = Server("t")

    def thing():
        """What it is."""
        return value

    app.resource("test://a")(both(thing)[is_async])
    with serving(app) as client:
        assert read(client, "test://a") == [{"uri": "test://a", **contents}]
        listed = {"uri": "test://a", "name": "thing", "description": "What it is."}
        assert client.request("resources/list")["result"]["resources"] == [listed]


def test_a_resource_with_several_contents_and_members():
    app = Server("t")
    icon = {"src": "https://example.com/i.png"}

    @app.resource(
        "test://a",
        name="n",
        title="T",
        description="D",
        mime_type="text/html",
        size=3,
        annotations={"priority": 1},
        icons=[icon],
        meta={"example.com/a": 1},
    )
    def parts():
        return [ResourceContents("one"), ResourceContents(b"2", uri="test://b", mime_type="a/b", meta={"x": 1}), b"3"]

    with serving(app) as client:
        assert client.request("resources/list")["result"]["resources"] == [{
            "uri": "test://a", "name": "n", "title": "T", "description": "D", "mimeType": "text/html", "size": 3,
            "annotations": {"priority": 1}, "icons": [icon], "_meta": {"example.com/a": 1},
        }]
        assert read(client, "test://a") == [
            {"uri": "test://a", "mimeType": "text/html", "text": "one"},
            {"uri": "test://b", "mimeType": "a/b", "blob": "Mg==", "_meta": {"x": 1}},
            {"uri": "test://a", "mimeType": "text/html", "blob": "Mw=="},
        ]


def test_a_template_hands_over_its_variables():
    app = Server("t")

    @app.resource("test://{user}/posts{?limit,tags*}", mime_type="text/plain")
    async def posts(user: str, ctx: Context, limit: str | None = None, tags: list[str] | None = None) -> str:
        return f"{user} {limit} {tags} {ctx.uri} {ctx.name} {ctx.kind}"

    @app.resource("test://any/{+path}")
    def anything(**variables) -> dict:
        return variables

    with serving(app) as client:
        name = "test://{user}/posts{?limit,tags*}"
        (listed, _) = client.request("resources/templates/list")["result"]["resourceTemplates"]
        assert listed == {"uriTemplate": name, "name": "posts", "mimeType": "text/plain"}
        text = read(client, "test://a%20b/posts?limit=3")[0]["text"]
        assert text == f"a b 3 None test://a%20b/posts?limit=3 {name} resource_template"
        assert read(client, "test://u/posts")[0]["text"].startswith("u None None")
        assert read(client, "test://any/x/y")[0]["text"] == '{"path":"x/y"}'


OUTSIDE = ["test://any//etc/x", "test://any/C:/x", "test://any/c%3Ax", "test://any/x?d=..", "test://any/x?d=a%2F.%2e"]


def test_no_variable_leads_out_of_a_folder():
    app = Server("t")

    def read(path: str, d: str = "") -> str:
        return f"{path} {d}"

    app.resource("test://any/{+path}{?d}")(read)
    app.resource("test://every/{+path}{?d}", unsafe_paths=True)(read)
    app.resource_provider("test://rows/{+path}", list=lambda: [], read=lambda path: path)
    app.resource_provider("test://free/{+path}", list=lambda: [], read=lambda path: path, unsafe_paths=True)
    with pytest.raises(RegistrationError, match="only resource templates and resource providers can have unsafe_paths"):
        app.resource("test://one", unsafe_paths=True)(lambda: "")

    with serving(app) as client:

        def found(uri):
            answer = client.request("resources/read", uri=uri)
            if "error" in answer:
                assert (answer["error"]["code"], answer["error"]["data"]) == (-32002, {"uri": uri})
                return None
            return answer["result"]["contents"][0]["text"]

        assert found("test://any/a/b?d=c/d") == "a/b c/d"
        for uri in OUTSIDE:
            assert found(uri) is None, uri
            assert found(uri.replace("any", "every")), uri
        assert found("test://rows//x") is None
        assert found("test://free//x") == "/x"


@pytest.mark.parametrize(("modern", "code"), [(False, -32002), (True, -32602)])
def test_what_is_not_found(modern, code):
    app = Server("t")

    @app.resource("test://rows/{id}")
    def row(id: str) -> str:
        raise NotFound

    @app.resource("test://other/{id}")
    async def other(id: str) -> str:
        raise NotFound("that one")

    with serving(app, modern=modern) as client:
        for asked, told in [("test://rows/1", "test://rows/1"), ("test://other/1", "that one"), ("x:y", "x:y")]:
            error = client.request("resources/read", uri=asked)["error"]
            assert error == {"code": code, "message": f"Resource not found: {told}", "data": {"uri": asked}}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_provider_lists_and_reads(is_async):
    app = Server("t")

    def rows(cursor: str | None = None):
        more = {"nextCursor": "b"} if cursor is None else {}
        row = {"uri": f"test://rows/{cursor or 'a'}", "name": "row", "mime_type": "text/plain"}
        return {"resources": [row], **more}

    def row(id: str):
        return f"row {id}"

    app.resource_provider("test://rows/{id}", list=both(rows)[is_async], read=both(row)[is_async])
    with serving(app) as client:
        assert client.request("resources/templates/list")["result"]["resourceTemplates"] == []
        first = client.request("resources/list")["result"]
        assert first["resources"] == [{"uri": "test://rows/a", "name": "row", "mimeType": "text/plain"}]
        then = client.request("resources/list", cursor=first["nextCursor"])["result"]
        assert [one["uri"] for one in then["resources"]] == ["test://rows/b"] and "nextCursor" not in then
        assert read(client, "test://rows/7")[0]["text"] == "row 7"
        assert app.disable("resource_provider", "test://rows/{id}")
        assert "error" in client.request("resources/read", uri="test://rows/7")
        assert app.enable("resource_provider", "test://rows/{id}")
        assert read(client, "test://rows/7")[0]["text"] == "row 7"
        assert app.remove("resource_provider", "test://rows/{id}")
        assert "error" in client.request("resources/read", uri="test://rows/7")
        assert not app.remove("resource_provider", "test://rows/{id}")
