"""The tools: a schema and a function each, checked and called here."""

import os
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any, NamedTuple

import data
from jsonschema import Draft202012Validator
from tenon_mcp import ToolError

# Nothing follows: `$` alone would let a line end pass in Python.
END = r"$(?![\s\S])"
# What needs no quotes, so that it is one address and one header: no groups, no comments, no line ends.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
ADDRESS = rf"^{ATOM}(\.{ATOM})*@{LABEL}(\.{LABEL})+{END}"
EMAIL = {"type": "string", "format": "email", "maxLength": 254, "pattern": ADDRESS}
NAME = {"type": "string", "minLength": 1, "maxLength": 200}
LINE = {"type": "string", "maxLength": 900, "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*" + END}
ID = {"type": "integer"}
SECONDS = 10
Result = tuple[str, dict[str, Any] | None]


class Tool(NamedTuple):
    function: Callable[..., Result]
    schema: dict[str, Any]


def run(name: str, arguments: dict[str, Any]) -> Result:
    tool = TOOLS[name]
    for error in Draft202012Validator(tool.schema).iter_errors(arguments):
        place = "".join(f"{part}: " for part in error.path)
        raise ToolError(f"Validation error: {place}{error.message}")
    return tool.function(**arguments)


def create_user(name: str, email: str, role: str = "user") -> Result:
    user = data.create_user({"name": name, "email": email, "role": role})
    return f"Created user: {name}", {**user, "status": "created"}


def update_user(user_id: int, **fields: str) -> Result:
    if not data.update_user(user_id, fields):
        raise ToolError(f"Error: there is no user {user_id}")
    return f"Updated user: {user_id}", {"id": user_id, "updated_fields": list(fields), "status": "updated"}


def delete_user(user_id: int) -> Result:
    if not data.delete_user(user_id):
        raise ToolError(f"Error: there is no user {user_id}")
    return f"Deleted user: {user_id}", {"id": user_id, "status": "deleted"}


def send_email(to: str, subject: str, body: str) -> Result:
    message = EmailMessage()
    message["From"] = os.environ.get("SMTP_FROM", "server@localhost")
    message["To"] = to
    message["Subject"] = subject
    # As bytes: a text would get other line ends.
    message.set_content(body.encode(), "text", "plain", cte="base64", params={"charset": "utf-8"})
    place = os.environ.get("SMTP_HOST", "127.0.0.1"), int(os.environ.get("SMTP_PORT", "25"))
    try:
        with smtplib.SMTP(*place, timeout=SECONDS) as smtp:
            smtp.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise ToolError(f"Error: the e-mail was not sent: {error}") from None
    return f"Email sent to {to} with subject '{subject}'", None


def _takes(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


ROLE = {"type": "string", "enum": ["user", "admin"], "default": "user"}
TEXT = {"type": "string"}
TOOLS = {
    "create_user": Tool(create_user, _takes(["name", "email"], name=NAME, email=EMAIL, role=ROLE)),
    "update_user": Tool(update_user, _takes(["user_id"], user_id=ID, name=NAME, email=EMAIL)),
    "delete_user": Tool(delete_user, _takes(["user_id"], user_id=ID)),
    "send_email": Tool(send_email, _takes(["to", "subject", "body"], to=EMAIL, subject=LINE, body=TEXT)),
}
