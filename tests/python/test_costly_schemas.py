"""Schemas whose check could take for ever: refused at registration, or stopped at a limit."""

import pytest
from tenon_mcp import RegistrationError, Server
from wire import serving

# Each refers ten times to the next.
LEVELS = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(20)}
EXPANDING = {
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/d0"}},
    "$defs": {**LEVELS, "d20": {"type": "integer"}},
}
SLUG = {"type": "object", "properties": {"slug": {"type": "string", "pattern": "^(?!-)[a-z0-9-]+(?<!-)$"}}}


@pytest.mark.parametrize("member", ["input_schema", "output_schema"])
def test_a_schema_that_expands_too_far_is_refused(member):
    app = Server("t")
    with pytest.raises(RegistrationError, match='tool "odd".*more than 10000 schemas apply to one value'):

        @app.tool("odd", **{member: EXPANDING})
        def odd() -> dict:
            return {}


@pytest.mark.parametrize("modern", [False, True])
def test_a_pattern_at_its_step_limit_is_an_argument_error(modern):
    app = Server("t")

    @app.tool(input_schema=SLUG)
    def publish(slug: str) -> str:
        return slug

    with serving(app, modern=modern) as client:
        assert "takes too many steps to be matched" in client.error("publish", slug="a" * 2000 + "!")
        assert client.text("publish", slug="a-b") == "a-b"
