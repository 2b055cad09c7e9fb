"""Who may use what: the one table that all expectations follow from.

The rules of the entries are those of `tests/fixtures/README.md`, combined with the server's of `settings.toml`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rule:
    """All of `scopes` are needed, and one of `roles`. If `public`, nothing is needed."""

    scopes: tuple = ()
    roles: tuple = ()
    public: bool = False


USE = Rule(("use",))
RULES = {
    # The server's default scope is `use`. Rules of tags count besides those of the entry.
    "public": Rule(public=True),
    "plain": USE,
    "scoped": Rule(("tools",)),
    "guarded": Rule(("use", "guard")),
    "staff": Rule(("use",), ("admin", "owner")),
    "admin": Rule((), ("admin",)),
    "work": Rule(("tasks",)),
    "hold": Rule(("tasks",)),
    "heard": USE,
    "access://resource": Rule(("resources",)),
    "access://template/{id}": Rule(("templates",)),
    "access://rows/1": Rule(("rows",)),
    "prompt": Rule(("prompts",)),
    "completion": Rule(("completions",)),
    "access/method": Rule(("methods",)),
    "notifications/access": Rule(("notes",)),
    "skill": USE,
}
TOOLS = ["public", "plain", "scoped", "guarded", "staff", "admin", "work", "hold", "heard"]
SKILLS = ["skill://acme/refunds/SKILL.md", "skill://git-workflow/SKILL.md"]

# scope_hierarchy of settings.toml: for each broad scope, all scopes that it includes.
EVERYTHING = {"use", "guard", "tools", "resources", "templates", "rows"}
INCLUDES = {
    "everything": EVERYTHING,
    "all": EVERYTHING | {"everything", "prompts", "completions", "tasks", "methods", "notes"},
}
SCOPES = sorted(INCLUDES["all"] - {"everything"})
ROLES = ["admin", "owner"]


@dataclass(frozen=True)
class Expected:
    """`ok`, `unauthorized`, `forbidden`, `unknown`; or a fault of the credentials: `invalid`, `malformed`."""

    kind: str
    # What the challenge asks for.
    scopes: tuple = ()


@dataclass(frozen=True)
class Operation:
    """One request. `entries` are what it uses, in the order in which they are checked; none if it is for everybody."""

    kind: str
    method: str
    params: dict = field(default_factory=dict, compare=False)
    entries: tuple = ()
    eras: tuple = ("legacy", "modern")
    # What its result has: a function of the result and of the caller.
    shows: object = field(default=None, compare=False)
    # The tool of the task that it is about.
    task: str | None = None

    def __str__(self):
        return " ".join([self.method, *self.entries])


def granted(caller):
    return caller.scopes.union(*(INCLUDES.get(scope, ()) for scope in caller.scopes))


def permits(rule, caller):
    """What a caller with valid credentials, or without any, gets for an entry with this rule."""
    if rule.public:
        return Expected("ok")
    if caller.authorization is None:
        return Expected("unauthorized", rule.scopes)
    if not granted(caller).issuperset(rule.scopes):
        return Expected("forbidden", rule.scopes)
    if rule.roles and not caller.roles.intersection(rule.roles):
        return Expected("forbidden")
    return Expected("ok")


def may_use(entry, caller):
    return permits(RULES[entry], caller).kind == "ok"


def expected(operation, caller, is_open):
    """What the table says for a request. A server is open if it has a public entry."""
    if caller.fault:
        return Expected(caller.fault)
    if caller.authorization is None and not is_open:
        return Expected("unauthorized")
    if caller.authorization is None and (operation.task or operation.method == "tasks/list"):
        # Tasks belong to somebody, and others do not learn of them.
        return Expected("unknown")
    for entry in operation.entries:
        found = permits(RULES[entry], caller)
        if found.kind != "ok":
            return found
    return Expected("ok")


def needed(operation):
    """The scopes that an operation needs, and the roles of which it needs one."""
    rules = [RULES[entry] for entry in operation.entries]
    return sorted({scope for rule in rules for scope in rule.scopes}), [role for rule in rules for role in rule.roles]
