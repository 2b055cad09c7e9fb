"""What replies say, in the words of the table, and whether their form is right."""

METADATA = 'resource_metadata="https://access.example/.well-known/oauth-protected-resource/mcp"'


def judged(reply):
    """What a reply says, in the words of the table."""
    error = (reply.message or {}).get("error")
    invalid = 'error="invalid_token"' in (reply.challenge or "")
    if reply.status == 401:
        return "invalid" if invalid else "unauthorized"
    if error is None:
        return {None: "ok", 200: "ok", 202: "ok", 204: "ok", 400: "malformed"}.get(reply.status, f"{reply.status}")
    words = {"Unauthorized": "unauthorized", "Forbidden": "forbidden"}
    word = words.get(error["message"].partition(":")[0])
    return word or ("malformed" if reply.status == 400 and error["code"] == -32600 else "unknown")


def status_of(want):
    return {"unauthorized": 401, "invalid": 401, "malformed": 400, "forbidden": 403}.get(want.kind)


def check(cell, reply, want):
    """What is wrong with a reply. Over HTTP a refusal has its status and its challenge."""
    got = judged(reply)
    if got != want.kind:
        return f"{got} in place of {want.kind}: {reply}"
    operation, wrong = cell.operation, []
    refused_by_http = want.kind in ("invalid", "malformed") or (want.kind == "unauthorized" and not cell.is_open)
    if want.kind in ("unauthorized", "forbidden", "invalid", "malformed"):
        if cell.transport == "HTTP" or refused_by_http:
            if reply.status != status_of(want):
                wrong.append(f"status {reply.status} in place of {status_of(want)}")
            wrong += wrong_challenge(cell, reply, want, refused_by_http)
        if "result" in (reply.message or {}):
            wrong.append("a refusal has a result")
    if want.kind == "ok" and operation.shows:
        before = [message["params"]["notifications"] for message in reply.before
                  if message["method"] == "notifications/subscriptions/acknowledged"]
        result = before[0] if before else (reply.message or {}).get("result")
        if result is None or not operation.shows(result, cell.caller):
            wrong.append(f"the result is {result}")
    return "; ".join(wrong)


def named_scopes(cell, want):
    """The scopes that a challenge names. Up to 2025-11-25 it also repeats those that the caller has."""
    repeats = want.kind == "forbidden" and cell.era == "legacy"
    return [*want.scopes, *(scope for scope in sorted(cell.caller.scopes) if repeats and scope not in want.scopes)]


def wrong_challenge(cell, reply, want, refused_by_http):
    challenge, wrong = reply.challenge or "", []
    if want.kind == "malformed":
        return []
    if want.kind == "forbidden" and not want.scopes:
        # No authorization server has roles to ask for.
        return [f"the challenge is {challenge}"] if challenge else []
    if not challenge.startswith("Bearer ") or METADATA not in challenge:
        wrong.append(f"the challenge is {challenge!r}")
    if want.kind == "forbidden" and 'error="insufficient_scope"' not in challenge:
        wrong.append(f"the challenge does not say insufficient_scope: {challenge}")
    scopes = named_scopes(cell, want)
    if want.scopes and not refused_by_http and f'scope="{" ".join(scopes)}"' not in challenge:
        wrong.append(f"the challenge does not name {scopes}: {challenge}")
    return wrong
