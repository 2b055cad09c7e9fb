"""A configuration as a resource, a prompt with arguments and their completion, and lists of the program's own."""

import json
import sys
from typing import Annotated, Any

from tenon_mcp import Server

CONFIG = {"app_name": "My Application", "version": "1.0.0", "features": ["auth", "api", "database"]}
LANGUAGES = ["python", "javascript", "typescript", "go", "rust", "java", "c", "c++", "c#", "kotlin", "ruby", "swift"]
STYLES = ["standard", "google", "strict"]
app = Server("prompt-server", "1.0.0")


@app.resource("config://app", name="Application Configuration", mime_type="application/json")
def config() -> str:
    """Main application configuration"""
    return json.dumps(CONFIG, indent=2)


@app.prompt("code-review")
def code_review(
    language: Annotated[str, "Programming language"] = "python",
    style: Annotated[str, "Code style guidelines"] = "standard",
) -> str:
    """Review code."""
    return f"""Please review the following {language} code by the {style} style guidelines. Look at:
- code quality and readability
- performance
- security
- documentation completeness
- error handling
Give constructive, specific suggestions."""


@app.completion(prompt="code-review", argument="language")
def languages(value: str) -> list[str]:
    return [one for one in LANGUAGES if one.startswith(value.lower())]


@app.completion(prompt="code-review", argument="style")
def styles(value: str) -> list[str]:
    return [one for one in STYLES if one.startswith(value.lower())]


# Lists are made by the engine from what is registered, unless a program makes them itself.
@app.replace("resources/list")
def list_resources(**_: Any) -> dict[str, Any]:
    return {"resources": [entry.definition for entry in app.entries("resource")]}


@app.replace("prompts/list")
def list_prompts(**_: Any) -> dict[str, Any]:
    return {"prompts": [entry.definition for entry in app.entries("prompt")]}


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
