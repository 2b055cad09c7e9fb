"""Users, products and orders: kept in memory, each a resource."""

import json
import threading
from typing import Any

from tenon_mcp import Server

Row = dict[str, Any]


class DataProvider:
    """The data. Tools run on several threads, so there is a lock around it."""

    def __init__(self) -> None:
        self.sources: dict[str, list[Row]] = {
            "users": [
                {"id": 1, "name": "Alice", "email": "alice@example.com"},
                {"id": 2, "name": "Bob", "email": "bob@example.com"},
            ],
            "products": [
                {"id": 1, "name": "Widget", "price": 19.99},
                {"id": 2, "name": "Gadget", "price": 29.99},
            ],
            "orders": [
                {"id": 1, "user_id": 1, "product_id": 1, "quantity": 2},
                {"id": 2, "user_id": 2, "product_id": 2, "quantity": 1},
            ],
        }
        self._last_id = 2
        self._lock = threading.Lock()

    def read(self, source: str) -> Row:
        with self._lock:
            rows = [dict(row) for row in self.sources[source]]
        return {source: rows, "total": len(rows)}

    def summary(self, source: str) -> Row:
        """How many rows, which columns, how many bytes."""
        rows = self.read(source)[source]
        columns = list(dict.fromkeys(column for row in rows for column in row))
        size = len(json.dumps(rows).encode())
        return {"id": source, "rows": len(rows), "columns": columns, "size": size}

    def create_user(self, fields: Row) -> Row:
        with self._lock:
            self._last_id += 1
            user = {"id": self._last_id, **fields}
            self.sources["users"].append(user)
            return dict(user)

    def update_user(self, user_id: int, fields: Row) -> bool:
        with self._lock:
            found = [user for user in self.sources["users"] if user["id"] == user_id]
            for user in found:
                user.update(fields)
            return bool(found)

    def delete_user(self, user_id: int) -> bool:
        with self._lock:
            users = self.sources["users"]
            kept = [user for user in users if user["id"] != user_id]
            self.sources["users"] = kept
            return len(kept) < len(users)


def uri(source: str) -> str:
    return f"custom://data/{source}"


def add_resources(app: Server, data: DataProvider) -> None:
    for source in data.sources:

        def read(source: str = source) -> Row:
            return data.read(source)

        app.resource(
            uri(source),
            name=f"{source.title()} Data",
            description=f"Access to {source} information",
            mime_type="application/json",
        )(read)
