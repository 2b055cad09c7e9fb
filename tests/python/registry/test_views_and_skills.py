"""Views and skills, which the engine serves without handlers."""

import pytest
from tenon_mcp import RegistrationError, Server, SyncContext
from wire import serving

HTML = "<!doctype html><title>Clock</title>"
MANIFEST = "---\nname: {0}\ndescription: For {0}.\n---\n\n# {0}\n"


def skill(folder, name):
    path = folder / name
    path.mkdir(parents=True)
    (path / "SKILL.md").write_text(MANIFEST.format(path.name))
    return path


def test_a_view_says_how_it_is_shown():
    app = Server("t")
    app.ui(
        "ui://a", HTML, name="n", title="T", description="D", csp={"connectDomains": ["https://*.example.com"]},
        permissions={"camera": {}}, domain="a.example.com", prefers_border=False,
        cache_hints={"ttl": 9, "scope": "private"},
    )
    app.ui("ui://hidden", HTML, listed=False)
    shown = {
        "csp": {"connectDomains": ["https://*.example.com"]}, "permissions": {"camera": {}},
        "domain": "a.example.com", "prefersBorder": False,
    }
    with serving(app, modern=True) as client:
        result = client.request("resources/read", uri="ui://a")["result"]
        assert result["contents"] == [
            {"uri": "ui://a", "mimeType": "text/html;profile=mcp-app", "text": HTML, "_meta": {"ui": shown}}
        ]
        assert (result["ttlMs"], result["cacheScope"]) == (9000, "private")
        assert client.request("resources/list")["result"]["resources"] == [{
            "uri": "ui://a", "name": "n", "title": "T", "description": "D", "mimeType": "text/html;profile=mcp-app",
            "_meta": {"ui": shown},
        }]
        assert client.request("resources/read", uri="ui://hidden")["result"]["contents"][0]["text"] == HTML
    assert app.remove("resource", "ui://a")
    assert not app.remove("resource", "ui://a")


def test_a_view_of_a_folder(tmp_path):
    (tmp_path / "index.html").write_text("<script src=app.js></script>")
    (tmp_path / "app.js").write_text("go()")
    app = Server("t")
    app.ui("ui://a", tmp_path)
    with serving(app) as client:
        read = client.request("resources/read", uri="ui://a")["result"]["contents"][0]
        assert read["text"] == "<script>go()</script>"
    with pytest.raises(RegistrationError, match="there is no file \"index.html\""):
        app.ui("ui://b", tmp_path / "none")


def test_a_tool_names_its_view():
    app = Server("t")

    @app.tool(ui="ui://a")
    def shows(ctx: SyncContext) -> str:
        """Shows."""
        return str(ctx.extension("io.modelcontextprotocol/ui"))

    @app.tool(ui={"resourceUri": "ui://a", "visibility": ["app"]}, meta={"example.com/x": 1})
    def by_app() -> None:
        """By the app."""

    with pytest.raises(RegistrationError, match=r"tool \"shows\" names the view \"ui://a\""):
        app.run(http=0)
    app.ui("ui://a", HTML)
    with serving(app) as client:
        tools = client.request("tools/list")["result"]["tools"]
        assert tools[0]["_meta"] == {"ui": {"resourceUri": "ui://a"}}
        assert tools[1]["_meta"] == {"ui": {"resourceUri": "ui://a", "visibility": ["app"]}, "example.com/x": 1}
        assert client.text("shows") == "None"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("http://a", HTML), {}, "starts with ui://"),
        (("ui://a", b"x"), {}, "html must be a str or a path"),
        (("ui://a", ""), {}, "is empty"),
        (("ui://a", HTML), {"csp": {"connectDomains": ["a b"]}}, "ui.csp.connectDomains"),
        (("ui://a", HTML), {"permissions": {"all": {}}}, 'unknown member "all"'),
        (("ui://a", HTML), {"prefers_border": "yes"}, "must be true or false"),
    ],
)
def test_what_is_wrong_with_a_view(arguments, options, message):
    with pytest.raises(RegistrationError, match=message):
        Server("t").ui(*arguments, **options)


def test_skills(tmp_path):
    path = skill(tmp_path, "group/a")
    app = Server("t")
    app.skills(tmp_path)
    with serving(app, modern=True) as client:
        def entries():
            return client.request("skills/list")["result"]["skills"]

        (entry,) = entries()
        assert entry["uri"] == "skill://group/a/SKILL.md"
        assert entry["frontmatter"] == {"name": "a", "description": "For a."}
        (path / "x.txt").write_text("x")
        assert [file["size"] for file in entries()[0]["resources"]] == [len(MANIFEST.format("a")), 1]
        skill(tmp_path, "b")
        assert [entry["frontmatter"]["name"] for entry in entries()] == ["b", "a"]
        read = client.request("resources/read", uri="skill://group/a/x.txt")["result"]["contents"]
        assert read == [{"uri": "skill://group/a/x.txt", "mimeType": "text/plain", "text": "x"}]
        children = client.request("resources/directory/read", uri="skill://group")["result"]["resources"]
        assert children == [{"uri": "skill://group/a", "name": "a", "mimeType": "inode/directory"}]


@pytest.mark.parametrize("prefix", [None, "sub"])
def test_skills_stay_with_their_server_where_that_is_mounted(tmp_path, prefix):
    app, part, more = Server("app"), Server("part"), Server("more")
    for server in (part, app, more):
        (tmp_path / server.name).mkdir()
        skill(tmp_path / server.name, f"of-{server.name}")
    part.skills(tmp_path / "part")
    app.mount(part, prefix)
    app.skills(tmp_path / "app")
    more.skills(tmp_path / "more")
    more.mount(part, prefix)
    for server in (app, part, more):
        with serving(server, modern=True) as client:
            (entry,) = client.request("skills/list")["result"]["skills"]
            assert entry["frontmatter"]["name"] == f"of-{server.name}"
            assert len(client.request("resources/list")["result"]["resources"]) == 1


def test_what_is_wrong_with_skills(tmp_path):
    app = Server("t", max_skills=1)
    with pytest.raises(RegistrationError, match="it contains no skills"):
        app.skills(tmp_path)
    with pytest.raises(RegistrationError, match="a path whose text is a str"):
        app.skills(bytes(tmp_path))
    path = skill(tmp_path, "a")
    app.skills(str(tmp_path))
    with pytest.raises(RegistrationError, match="skill://a/SKILL.md is served from another folder"):
        app.skills(tmp_path)
    (path / "link").symlink_to("/etc/passwd")
    with pytest.raises(RegistrationError, match="a/link is a symbolic link"):
        Server("t").skills(tmp_path)
