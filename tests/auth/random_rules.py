"""Random rules for random entries, and what they mean: a second reading of docs/guide/authentication.md.

An entry is a kind, a name and policies, so that programs in every language can register it from a line of text.
"""

import json
from dataclasses import dataclass, field

KINDS = ["tool", "resource", "template", "provider", "prompt"]
SCOPES = ["a", "b", "c", "d"]
ROLES = ["x", "y", "z"]
TAGS = ["red", "green", "blue"]
# The list that shows a kind, its member, the member with the name, and how an entry is used.
LISTS = {
    "tools/list": ("tools", "name"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
    "prompts/list": ("prompts", "name"),
}


@dataclass(frozen=True)
class Entry:
    kind: str
    name: str
    policies: dict = field(compare=False)

    @property
    def shown(self):
        """The list that it is in, and its name there."""
        return {
            "tool": ("tools/list", self.name),
            "resource": ("resources/list", self.name),
            "template": ("resources/templates/list", self.name),
            "provider": ("resources/list", self.address),
            "prompt": ("prompts/list", self.name),
        }[self.kind]

    @property
    def address(self):
        return self.name.replace("{id}", "1")

    @property
    def use(self):
        """A request that uses it."""
        if self.kind == "tool":
            return "tools/call", {"name": self.name, "arguments": {}}
        if self.kind == "prompt":
            return "prompts/get", {"name": self.name}
        return "resources/read", {"uri": self.address}

    def line(self):
        """Kind, name, and each policy with its value in JSON."""
        words = [word for name, value in self.policies.items() for word in (name, json.dumps(value))]
        return "\t".join([self.kind, self.name, *words])


@dataclass(frozen=True)
class Principal:
    scopes: frozenset
    roles: frozenset


@dataclass(frozen=True)
class RuleSet:
    settings: dict
    entries: list

    def demands(self, entry):
        """The scopes, the lists of roles, and whether strangers are let in."""
        own, tags = entry.policies, self.settings["access_of_tags"]
        tagged = [tags[tag] for tag in own.get("tags", ()) if tag in tags]
        by_default = {} if own.get("public") else self.settings
        scopes = set(own.get("scopes", by_default.get("scopes", ())))
        roles = [own.get("roles", by_default.get("roles", ()))]
        for rule in tagged:
            scopes.update(rule.get("scopes", ()))
            roles.append(rule.get("roles", ()))
        public = own.get("public")
        if public is None:
            said = [rule["public"] for rule in tagged if "public" in rule]
            public = all(said) if said else self.settings["anonymous"] == "allow"
        return scopes, [each for each in roles if each], public

    def is_hidden(self, entry):
        hidden = self.settings["disabled"].get("tags", ())
        return bool(set(hidden).intersection(entry.policies.get("tags", ())))

    def permits(self, entry, principal):
        if self.is_hidden(entry):
            return False
        scopes, roles, public = self.demands(entry)
        if principal is None:
            return public and not scopes and not roles
        return self.granted(principal).issuperset(scopes) and all(principal.roles.intersection(each) for each in roles)

    def granted(self, principal):
        found, more = set(), set(principal.scopes)
        while more:
            found |= more
            more = {narrow for scope in more for narrow in self.settings["scope_hierarchy"].get(scope, ())} - found
        return found


def some(random, words, most=2):
    return random.sample(words, random.randint(0, most))


def maybe(random, **members):
    """Each member with a chance of one in three."""
    return {name: make() for name, make in members.items() if random.random() < 1 / 3}


def draw_rule(random):
    return maybe(random, scopes=lambda: some(random, SCOPES), roles=lambda: some(random, ROLES))


def draw_entry(random, kind, number):
    name = {
        "tool": f"tool_{number}",
        "resource": f"own://resource/{number}",
        "template": f"own://template{number}/{{id}}",
        "provider": f"own://rows{number}/{{id}}",
        "prompt": f"prompt_{number}",
    }[kind]
    policies = draw_rule(random) | maybe(random, tags=lambda: some(random, TAGS))
    restricted = policies.get("scopes") or policies.get("roles")
    return Entry(kind, name, policies | maybe(random, public=lambda: not restricted and random.random() < 0.7))


def draw(random):
    """A set of rules, and entries of all kinds."""
    public = {"public": lambda: random.random() < 0.7}
    tags = {tag: draw_rule(random) | maybe(random, **public) for tag in some(random, TAGS, 3)}
    hierarchy = {scope: some(random, [other for other in SCOPES if other != scope]) for scope in some(random, SCOPES)}
    settings = {
        **draw_rule(random),
        "anonymous": random.choice(["allow", "refuse"]),
        "access_of_tags": tags,
        "scope_hierarchy": hierarchy,
        "disabled": maybe(random, tags=lambda: some(random, TAGS, 1)),
    }
    entries = [draw_entry(random, kind, number) for kind in KINDS for number in range(random.randint(1, 4))]
    return RuleSet(settings, entries)


def draw_principal(random):
    return Principal(frozenset(some(random, SCOPES, 3)), frozenset(some(random, ROLES)))
