"""What a run of the suite is worth: stricter than the suite, and compared with what is expected to fail.

The suite's own verdict is "no FAILURE", which a server that refuses everything reaches in some scenarios. Here a
scenario passes when something in it succeeded, and nothing in it failed, warned, or was skipped without being expected
to. Standard library only.
"""

from dataclasses import dataclass, field

BAD = ("FAILURE", "WARNING", "SKIPPED")


@dataclass
class Scenario:
    name: str
    scored: bool
    checks: list
    # What speaks against it: (status, check, message).
    problems: list = field(default_factory=list)
    # Why it may fail, where it may.
    reason: str | None = None

    @property
    def passed(self):
        return not self.problems

    @property
    def warnings(self):
        return sum(status == "WARNING" for status, _, _ in self.problems)

    @property
    def as_expected(self):
        return self.passed == (self.reason is None)


class Expected:
    """`expected.json`: `fail` names scenarios, `skip` checks that may be skipped, each by revision and with a reason.

    A reason that holds for some hosts only is `{"reason": …, "hosts": […]}`.
    """

    def __init__(self, document, host):
        self.document = document
        self.host = host

    def _reason(self, entry):
        if isinstance(entry, dict):
            return entry["reason"] if self.host in entry["hosts"] else None
        return entry

    def failure(self, revision, scenario):
        return self._reason(self.document["fail"].get(revision, {}).get(scenario))

    def skip(self, revision, scenario, check):
        return self._reason(self.document["skip"].get(revision, {}).get(scenario, {}).get(check))

    def names(self, revision):
        return {*self.document["fail"].get(revision, {}), *self.document["skip"].get(revision, {})}


def judge(required, results, expected, revision):
    """The scenarios of a run in the suite's order, scored ones first."""
    names = [(name, True) for name in required.scored] + [(name, False) for name in required.unscored]
    unknown = sorted(set(results) - {name for name, _ in names})
    # A name that left the suite must leave the list too, or it would excuse nothing unseen.
    unknown += sorted(expected.names(revision) - {name for name, _ in names})
    judged = [_judge_one(name, scored, results.get(name), expected, revision) for name, scored in names]
    for name in unknown:
        judged.append(Scenario(name, False, [], [("FAILURE", "-", f"the suite has no such scenario in {revision}")]))
    return judged


def _judge_one(name, scored, checks, expected, revision):
    scenario = Scenario(name, scored, checks or [], reason=expected.failure(revision, name))
    if not checks:
        scenario.problems.append(("FAILURE", "-", "the suite reported no checks"))
        return scenario
    excused = 0
    for check in checks:
        status = check["status"]
        if status not in BAD:
            continue
        if status == "SKIPPED" and expected.skip(revision, name, check["id"]):
            excused += 1
            continue
        scenario.problems.append((status, check["id"], check.get("errorMessage") or check.get("description", "")))
    if not scenario.problems and not excused and not any(check["status"] == "SUCCESS" for check in checks):
        scenario.problems.append(("FAILURE", "-", "nothing was checked"))
    return scenario


def summary(host, revision, scenarios):
    """The line that says it all."""
    scored = [scenario for scenario in scenarios if scenario.scored]
    unscored = [scenario for scenario in scenarios if not scenario.scored]
    return (f"{host} {revision} scored {sum(s.passed for s in scored)}/{len(scored)}"
            f" unscored {sum(s.passed for s in unscored)}/{len(unscored)}"
            f" warnings {sum(s.warnings for s in scored)}")


def by_name(host, revision, scenarios):
    """The same for scenarios that no revision requires, with how many of their checks succeeded."""
    checks = sum(check["status"] == "SUCCESS" for scenario in scenarios for check in scenario.checks)
    return f"{host} {revision} by name {sum(s.passed for s in scenarios)}/{len(scenarios)} checks {checks}"
