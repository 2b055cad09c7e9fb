"""Users, products and orders, in memory."""

import json
import threading
from typing import Any

Row = dict[str, Any]
SOURCES: dict[str, list[Row]] = {
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
# Handlers run on several threads.
_lock = threading.Lock()
_last_id = 2


def as_text(source: str) -> str:
    with _lock:
        return json.dumps({source: SOURCES[source], "total": len(SOURCES[source])})


def summary(source: str) -> str:
    """What a dataset is like: how many rows, which columns, how many bytes."""
    with _lock:
        rows = SOURCES[source]
        columns = list(dict.fromkeys(column for row in rows for column in row))
        size = len(json.dumps(rows).encode())
        return json.dumps({"id": source, "rows": len(rows), "columns": columns, "size": size})


def create_user(fields: Row) -> Row:
    global _last_id
    with _lock:
        _last_id += 1
        user = {"id": _last_id, **fields}
        SOURCES["users"].append(user)
        return user


def update_user(id: int, fields: Row) -> bool:
    with _lock:
        for user in SOURCES["users"]:
            if user["id"] == id:
                user.update(fields)
                return True
    return False


def delete_user(id: int) -> bool:
    with _lock:
        before = len(SOURCES["users"])
        SOURCES["users"][:] = [user for user in SOURCES["users"] if user["id"] != id]
        return len(SOURCES["users"]) < before
