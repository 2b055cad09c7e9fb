"""The matrix leaves no method out, and its table agrees with the settings file."""

import re
from pathlib import Path

import matrix
import pytest
import rules
import tokens
from cells import Callers, cells
from operations import operations
from peers import Reply
from replies import METADATA, judged
from tenon_mcp import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = (ROOT / "core/src/proto/operation.rs").read_text().split("pub static OPERATIONS", 1)[1].split("];", 1)[0]
KINDS = {
    "tool", "resource", "template", "provider", "prompt", "completion", "task", "subscription", "method", "skill"
}


def test_every_method_of_the_protocol_is_asked():
    methods = set(re.findall(r'"([a-z]+(?:/[a-zA-Z_/]+)?)",?', TABLE)) - {"taskId", "name", "uri"}
    # Members of results stand in the same table.
    methods -= {"tools", "resources", "prompts", "skills", "tasks"}
    assert len(methods) > 20 and "ping" in methods
    asked = {operation.method for operation in operations(True)}
    assert methods - asked == set()


def test_every_kind_of_credentials_meets_every_kind_of_entry():
    found = {}
    for cell in cells(["python"], Callers()):
        found.setdefault(cell.operation.kind, set()).add(cell.caller.name)
    assert KINDS <= set(found)
    common = {"no token", "malformed token", "expired token", "wrong audience", "no scope"}
    for kind in KINDS:
        assert common <= found[kind], kind
        assert any(name.startswith("wrong scopes") for name in found[kind]), kind
        assert any(name.startswith("right scopes") for name in found[kind]), kind


def test_the_table_is_that_of_the_settings_file(monkeypatch):
    monkeypatch.setenv("ACCESS_KEY_FILE", "key.pem")
    settings = Settings(Path(__file__).parent / "settings.toml")
    hierarchy, scopes = settings.get("server.scope_hierarchy"), settings.get("server.scopes")

    def included(scope):
        return {scope}.union(*(included(narrow) for narrow in hierarchy.get(scope, ())))

    assert {broad: included(broad) - {broad} for broad in hierarchy} == rules.INCLUDES
    assert rules.RULES["plain"].scopes == tuple(scopes)
    tags = settings.get("server.access_of_tags")
    assert rules.RULES["guarded"].scopes == (*scopes, *tags["guarded"]["scopes"])
    assert rules.RULES["staff"].roles == tuple(tags["staff"]["roles"])
    assert settings.get("server.public_url") == tokens.AUDIENCE


@pytest.mark.parametrize(
    "rule, instead",
    [
        ('scopes = ["guard"]', "scopes = []"),
        ('scopes = ["use"]', 'scopes = ["tools"]'),
        ('issuer = "https://login.example"', 'issuer = ["https://login.example", "https://other.example"]'),
    ],
)
def test_a_server_with_other_rules_fails(rule, instead, tmp_path, monkeypatch, capsys):
    other = tmp_path / "settings.toml"
    text = (Path(__file__).parent / "settings.toml").read_text()
    assert rule in text
    other.write_text(text.replace(rule, instead))
    monkeypatch.setattr(matrix, "SETTINGS", str(other))
    arguments = ["--hosts", "python", "--only", "HTTP, closed, modern: tool: tools/call guarded"]
    assert matrix.main(arguments) == 1
    assert "FAILED python, HTTP, closed, modern: tool: tools/call guarded" in capsys.readouterr().out


@pytest.mark.parametrize(
    "reply, word",
    [
        (Reply(200, message={"result": {}}), "ok"),
        (Reply(202), "ok"),
        (Reply(401, METADATA), "unauthorized"),
        (Reply(401, f'Bearer error="invalid_token", {METADATA}'), "invalid"),
        (Reply(400, message={"error": {"code": -32600, "message": "Bad"}}), "malformed"),
        (Reply(None, message={"error": {"code": -32600, "message": "Forbidden: x"}}), "forbidden"),
        (Reply(None, message={"error": {"code": -32601, "message": "Method not found"}}), "unknown"),
        (Reply(500), "500"),
    ],
)
def test_replies_are_put_into_the_words_of_the_table(reply, word):
    assert judged(reply) == word
