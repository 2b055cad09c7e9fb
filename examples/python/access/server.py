import sys

from tenon_mcp import Credentials, Server

TEAMS = {"key-of-red": "red", "key-of-blue": "blue"}  # stands for a database

app = Server("payments")


@app.verifier(headers=["x-team-key"])
async def verify(credentials: Credentials):
    team = TEAMS.get(credentials.headers.get("x-team-key"))
    return {"subject": team, "scopes": ["pay"]} if team else None


@app.authorizer
def authorize(principal, kind, name, arguments):
    if name == "pay" and arguments["amount"] > 100:
        return "a person must confirm amounts above 100"
    return True


@app.visible
def visible(principal, kind, name):
    return name != "refund" or principal.subject == "red"


@app.tool
def pay(amount: float) -> str:
    return f"paid {amount}"


@app.tool
def refund(amount: float) -> str:
    return f"refunded {amount}"


app.run(http=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000")
