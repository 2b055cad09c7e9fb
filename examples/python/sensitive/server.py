"""Payments that the user confirms and that are recorded in the file that the first argument names."""

import sys

from tenon_mcp import Server

app = Server("payments", "1.0.0", audit=sys.argv[1] if len(sys.argv) > 1 else "log")


@app.tool(audit=["account"], confirm="Transfer the money?")
def transfer(account: str, amount: float) -> str:
    """Transfer money to an account."""
    return f"transferred {amount} to {account}"


if __name__ == "__main__":
    app.run()
