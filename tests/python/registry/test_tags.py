"""Entries that are hidden and shown by their tags."""


import pytest
from tenon_mcp import RegistrationError, Server


def test_tags_hide_and_show():
    app = Server("t")
    app.tool("a", tags={"admin"})(lambda: "")
    app.tool("b", tags=["admin", "slow"])(lambda: "")
    app.tool("c")(lambda: "")
    app.resource("x://y", tags=["slow"])(lambda: "")
    app.resource_provider("row://{id}", list=lambda: [], read=lambda id: "", tags=["slow"])
    app.prompt("p", tags=("slow",))(lambda: "")

    def shown():
        return [name for view in (app.tools, app.resources, app.prompts) for name in view if view[name].enabled]

    assert app.disable(tags={"admin"}) and shown() == ["c", "x://y", "p"]
    assert app.disable(tags=["slow"]) and shown() == ["c"]
    assert not app.resource_templates["row://{id}"].enabled
    assert app.enable(tags=["admin"]) and shown() == ["a", "c"]
    assert app.enable(tags=["slow"]) and shown() == ["a", "b", "c", "x://y", "p"]
    assert not app.disable(tags=["none"])
    for wrong in ({}, {"tags": "admin"}, {"tags": [1]}):
        with pytest.raises(RegistrationError):
            app.disable(**wrong)
    with pytest.raises(RegistrationError):
        app.disable("tool")
    with pytest.raises(RegistrationError):
        app.tool("d", tags="admin")(lambda: "")
