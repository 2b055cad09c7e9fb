"""Users can be created, changed and deleted."""

from typing import Annotated, Literal

from tenon_mcp import Server, ToolError, ToolResult

from ..resources.data_provider import DataProvider, uri

Name = Annotated[str, {"minLength": 1, "maxLength": 200}]
Email = Annotated[str, {"format": "email"}]


def add_tools(app: Server, data: DataProvider) -> None:
    def changed() -> None:
        app.resource_updated(uri("users"))

    @app.tool(description="Tool for create user")
    def create_user(
        name: Name, email: Email, role: Literal["user", "admin"] = "user"
    ) -> ToolResult:
        user = data.create_user({"name": name, "email": email, "role": role})
        changed()
        return ToolResult(f"Created user: {name}", structured={**user, "status": "created"})

    @app.tool(description="Tool for update user")
    def update_user(
        user_id: int, name: Name | None = None, email: Email | None = None
    ) -> ToolResult:
        fields = {"name": name, "email": email}
        fields = {field: value for field, value in fields.items() if value is not None}
        if not data.update_user(user_id, fields):
            raise ToolError(f"Error: there is no user {user_id}")
        changed()
        structured = {"id": user_id, "updated_fields": list(fields), "status": "updated"}
        return ToolResult(f"Updated user: {user_id}", structured=structured)

    @app.tool(description="Tool for delete user", annotations={"destructiveHint": True})
    def delete_user(user_id: int) -> ToolResult:
        if not data.delete_user(user_id):
            raise ToolError(f"Error: there is no user {user_id}")
        changed()
        structured = {"id": user_id, "status": "deleted"}
        return ToolResult(f"Deleted user: {user_id}", structured=structured)
