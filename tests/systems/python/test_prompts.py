"""The example `prompts`: its resource, its prompt, what is completed, and lists of its own."""

import json

import pytest
from example_servers import converse
from mcp import MCPError
from mcp_types import PromptReference

ASPECTS = ("code quality and readability", "performance", "security", "documentation completeness", "error handling")


def test_with_a_client(every_way):
    async def use(client):
        (resource,) = (await client.list_resources()).resources
        assert (str(resource.uri), resource.name) == ("config://app", "Application Configuration")
        assert (resource.description, resource.mime_type) == ("Main application configuration", "application/json")
        (contents,) = (await client.read_resource("config://app")).contents
        config = {"app_name": "My Application", "version": "1.0.0", "features": ["auth", "api", "database"]}
        assert contents.mime_type == "application/json" and contents.text == json.dumps(config, indent=2)

        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.name == "code-review"
        assert [(one.name, one.description, bool(one.required)) for one in prompt.arguments] == [
            ("language", "Programming language", False),
            ("style", "Code style guidelines", False),
        ]
        (message,) = (await client.get_prompt("code-review", {"language": "rust", "style": "strict"})).messages
        said = message.content.text
        assert message.role == "user" and "rust" in said and "strict" in said
        assert all(aspect in said for aspect in ASPECTS) and said.endswith("constructive, specific suggestions.")
        (message,) = (await client.get_prompt("code-review")).messages
        assert "python" in message.content.text and "standard" in message.content.text
        for name, arguments in (("nothing", {}), ("code-review", {"colour": "red"})):
            with pytest.raises(MCPError) as refusal:
                await client.get_prompt(name, arguments)
            assert refusal.value.error.code == -32602

        async def completed(argument, value):
            reference = PromptReference(type="ref/prompt", name="code-review")
            return (await client.complete(reference, {"name": argument, "value": value})).completion

        known = {"python", "javascript", "typescript", "go", "rust", "java", "c", "c++"}
        everything = await completed("language", "")
        assert known <= set(everything.values) and everything.total == len(everything.values)
        assert not everything.has_more
        assert (await completed("language", "JAVA")).values == ["javascript", "java"]
        assert (await completed("style", "s")).values == ["standard", "strict"]
        assert (await completed("style", "x")).values == []
        reference = PromptReference(type="ref/prompt", name="nothing")
        with pytest.raises(MCPError) as refusal:
            await client.complete(reference, {"name": "language", "value": ""})
        assert refusal.value.error.code == -32602
        with pytest.raises(MCPError) as refusal:
            await completed("colour", "")
        assert refusal.value.error.code == -32602

    converse("python/prompts", every_way, use)
