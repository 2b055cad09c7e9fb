"""The check of docs/protocol.md finds what it is there to find."""

import check_protocol
import proofs

HEAD = "| Rule | In our words | Revisions | Proof |\n| --- | --- | --- | --- |\n"
KNOWN = {"core: a::b", "wire: base/ids"}


def problems(text):
    return {what.split()[-1]: problem for what, problem in check_protocol.check(text, KNOWN) if problem != "is missing"}


def test_good_rows_pass():
    text = HEAD + "| RPC-1 | x | all | `core: a::b`, `wire: base/ids` |\n| RPC-2 | x | 2025-06-18.. | `core: a::b` |\n"
    assert problems(text) == {"RPC-1": None, "RPC-2": None}


def test_what_is_wrong_is_told():
    row = "| {} | x | all | {} |\n"
    assert "no test `core: a::c`" in problems(HEAD + row.format("RPC-1", "`core: a::c`"))["RPC-1"]
    assert "no list" in problems(HEAD + row.format("RPC-1", "trust us"))["RPC-1"]
    assert "as well" in problems(HEAD + row.format("RPC-1", "`core: a::b`") * 2)["RPC-1"]
    assert "no number" in problems(HEAD + row.format("MH-9", "`core: a::b`"))["MH-9"]
    assert "no revision" in problems(HEAD + "| RPC-1 | x | 2025 | `core: a::b` |\n")["RPC-1"]
    assert "four cells" in problems(HEAD + "| RPC-1 | x | all |\n")["RPC-1"]


def test_every_rule_has_to_stand_in_it():
    missing = [what for what, problem in check_protocol.check(HEAD, KNOWN) if problem == "is missing"]
    assert len(missing) == len(check_protocol.numbering()) == 523


def test_tests_are_found_by_the_names_their_runners_use():
    test = "#[test]\nfn {}() {{}}\n"
    source = test.format("a") + "mod tests {\n    #[test]\n    #[ignore]\n    fn b() {}\n}\n" + test.format("c")
    assert list(proofs.rust_tests(source, ["x"])) == ["x::a", "x::tests::b", "x::c"]
    kinds = {name.split(":")[0] for name in proofs.known()}
    assert kinds == {"core", "wire", "python", "node", "c"}
