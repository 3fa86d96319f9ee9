"""verinit under pytest, in one process: what is collected, run, skipped and excused, and how it is told."""

import json

import pytest

from verinit.vocabulary import Finding
from verinit.vocabulary.document import decode, restore


def decorated(arguments, body="check(target, case)", parameters="target, check, case"):
    """A test module with one decorated test."""
    return (
        "import pytest, verinit\nfrom cli_net import chapter, fixed, he\n"
        f"@verinit.parametrize_with_checks({arguments})\n"
        f"def test_it({parameters}):\n    {body}\n"
    )


def findings(told):
    """Findings by the ids of tests, as they came with the reports."""
    return {
        name: restore(json.loads(pairs["verinit"]), Finding)
        for name, pairs in told.items()
        if "verinit" in pairs
    }


def test_items_are_seen_at_collection_under_names_to_select_by(session, mine):
    seen = session("--collect-only", "-q", test_mine=mine)
    assert seen.code == 0
    names = [line.partition("[")[2] for line in seen.text.splitlines() if "::" in line]
    assert len(names) == len(set(names)) == 26
    assert names[0] == "IN101-13x11-cli_net.he-he_normal]"
    assert "false alarms" not in seen.text


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("-k", "IN201"), 2),
        (("-k", "IN201 and cli_net.he"), 1),
        (("-m", "verinit"), 26),
        (("-m", "not verinit"), 0),
    ],
)
def test_items_are_selected_by_check_target_and_marker(session, mine, words, count):
    seen = session("--collect-only", "-q", "--strict-markers", *words, test_mine=mine)
    assert seen.text.count("::test_mine[") == count


@pytest.mark.parametrize("name", ["he", "chapter", "kernels"])
def test_the_same_is_found_as_by_verify(session, pytester, name):
    """The same verdicts from the same bytes at the same level, with the same likely mistake."""
    text = decorated(f"['cli_net:{name}=he_normal'], battery='smoke'") + (
        "def test_beside():\n"
        "    from verinit.vocabulary.document import encode\n"
        f"    (found,) = verinit.resolve('cli_net:{name}=he_normal')\n"
        "    report = verinit.verify(found, battery='smoke')\n"
        "    open('verify.json', 'w').write(encode(report))\n"
    )
    seen = session(test_it=text)
    expected = decode((pytester.path / "verify.json").read_text(encoding="utf-8")).findings
    assert sorted(findings(seen.told).values(), key=lambda f: f.id) == list(expected)


def test_a_check_alone_has_the_bytes_that_it_has_in_company(session, mine):
    whole = session(test_mine=mine).told
    alone = session("-k", "IN202 and cli_net.he").told
    assert list(alone) == ["IN202-13x11-cli_net.he-he_normal"]
    for name, pairs in alone.items():
        assert pairs["verinit"] == whole[name]["verinit"]


def test_wrong_code_fails_in_the_words_that_it_has_everywhere(session, mine):
    seen = session(test_mine=mine)
    assert seen.code == pytest.ExitCode.TESTS_FAILED
    assert [name for name, outcome in seen.outcomes.items() if outcome == "failed"] == [
        "IN201-13x11-cli_net.chapter-he_normal"
    ]
    finding = findings(seen.told)["IN201-13x11-cli_net.chapter-he_normal"]
    block = [line.removeprefix("E   ") for line in seen.text.splitlines() if line.startswith("E  ")]
    assert block == str(finding).splitlines()
    assert block[4] == "  likely    ratio 2: 2/sqrt(n) where sqrt(2/n) is meant: the gain entered twice"
    before = seen.text.partition("E   IN201 FAILED")[0].partition("= FAILURES =")[2]
    assert len(before.splitlines()) == 4  # rest of the rule, name of the test, its place, its line


def test_another_style_of_traceback_is_left_to_pytest(session, mine):
    seen = session("--tb=native", "-k", "IN201", test_mine=mine)
    assert "Traceback (most recent call last)" in seen.text


def test_what_waits_for_a_failure_is_skipped_with_its_reason(session, mine):
    seen = session("-ra", test_mine=mine)
    assert seen.outcomes["IN203-13x11-cli_net.chapter-he_normal"] == "skipped"
    assert "IN201 failed at this case" in seen.text


def test_what_waits_for_a_failure_that_is_not_selected_is_run(session, mine):
    """Or a session of one check alone would be green where the whole is red."""
    seen = session("-k", "IN205 and chapter", test_mine=mine)
    assert set(seen.outcomes.values()) == {"failed"}


def test_a_claim_that_says_nothing_is_skipped_in_the_target_s_terms(session, mine):
    seen = session("-rs", "-k", "IN206 and cli_net.he", test_mine=mine)
    assert seen.code == 0
    assert "no orthogonal matrix is promised" in seen.text
    (finding,) = findings(seen.told).values()
    assert str(finding.verdict) == "skipped"


def test_an_expected_failure_is_excused_and_must_fail(session):
    reason = "the chapter means sqrt(2/n)"
    excused = decorated(
        f"['cli_net:chapter=he_normal'], battery='smoke', cases=['13x11'], checks=['IN201'], "
        f"expected={{'IN201': {reason!r}}}"
    )
    seen = session("-rx", test_it=excused)
    assert seen.code == 0
    assert reason in seen.text
    assert session("--runxfail").code == pytest.ExitCode.TESTS_FAILED
    seen = session(test_it=excused.replace("chapter=", "he="))
    assert seen.code == pytest.ExitCode.TESTS_FAILED
    assert "remove it from expected=" in seen.text


def test_expectations_of_a_target_and_of_all_add_up(session):
    one = "verinit.target(chapter, scheme='he_normal', expected={'IN201': 'known'})"
    seen = session(
        test_it=decorated(f"[{one}], battery='smoke', cases=['13x11'], expected={{'IN102': 'not so'}}")
    )
    assert [name[:5] for name, outcome in seen.outcomes.items() if outcome == "failed"] == ["IN102"]


def test_a_test_that_does_not_call_its_check_fails(session):
    seen = session(test_it=decorated("['numpy:he_normal'], battery='smoke', checks=['IN101']", body="pass"))
    assert set(seen.outcomes.values()) == {"failed"}
    assert "did not call it: write check(target, case)" in seen.text


def test_a_share_of_the_budget_is_for_one_place(session):
    body = "check(target, verinit.Case.parse('7x7'))"
    seen = session(test_it=decorated("['numpy:he_normal'], battery='smoke', checks=['IN101']", body=body))
    assert "IN101 has its share of the budget for numpy:he_normal at 13x11#0" in seen.text


def test_failed_claims_may_be_caught(session):
    body = "with pytest.raises(verinit.CheckFailed, match='IN201 FAILED'): check(target, case)"
    arguments = "['cli_net:chapter=he_normal'], battery='smoke', cases=['13x11'], checks=['IN201']"
    assert session(test_it=decorated(arguments, body=body)).code == 0


def test_other_parameters_and_fixtures_go_along(session):
    text = decorated(
        "['numpy:he_normal'], battery='smoke', checks=['IN101']",
        parameters="tmp_path, target, check, case, number",
    ).replace("@verinit", "@pytest.mark.parametrize('number', [1, 2])\n@verinit", 1)
    seen = session(test_it=text)
    assert list(seen.outcomes.values()) == ["passed"] * 4
    assert "2 passed, 0 failed" in seen.text


SLIPS = {
    "['numpy:he_norml']": "did you mean 'numpy:he_normal'?",
    "['numpy:he_normal'], battery='smok'": "did you mean 'smoke'?",
    "['numpy:he_normal'], checks=['IN2O1']": "did you mean 'IN201'?",
    "['numpy:he_normal'], expected={'IN2O1': 'so'}": "did you mean 'IN201'?",
    "['numpy:he_normal'], cases=['64y32']": "a case reads like '64x32'",
    "['numpy:he_normal'], cases=['64']": "no case of battery standard fits",
    "['cli_nothing:he=he_normal']": "module 'cli_nothing' cannot be imported",
    "'numpy:he_normal'": "give a list of targets",
    "[]": "give at least one target",
    "[he]": "wrap it, verinit.target(he, scheme=...)",
    "['numpy:he_normal'], checks='IN201'": "give a list, ['IN201']",
    "[verinit.target(f, scheme='he_normal') for f in (lambda s: 0, lambda s: 1)]": "two targets are named",
}


@pytest.mark.parametrize(("arguments", "said"), SLIPS.items())
def test_a_slip_is_told_in_one_sentence_at_collection(session, arguments, said):
    seen = session(test_it=decorated(arguments))
    assert seen.code == pytest.ExitCode.INTERRUPTED
    assert said in seen.text
    assert "1 error" in seen.text
    assert "pytest_plugin/parametrizing" not in seen.text


def test_a_test_that_does_not_take_what_it_is_given_is_told_how(session):
    seen = session(test_it=decorated("['numpy:he_normal']", parameters="check, case"))
    assert "the test does not take target: write def test_it(target, check, case)" in seen.text


def test_two_decorators_on_one_test_are_refused(session):
    text = decorated("['numpy:he_normal']").replace(
        "@ver", "@verinit.parametrize_with_checks(['numpy:he_uniform'])\n@ver", 1
    )
    assert "one test has one decorator" in session(test_it=text).text


@pytest.mark.parametrize("word", ["verinit", "verinit.pytest_plugin"])
def test_the_plugin_can_be_turned_off(session, word):
    here = "def test_it(request):\n    assert {}request.config.pluginmanager.has_plugin('verinit-listener')\n"
    assert session("-p", f"no:{word}", test_it=here.format("not ")).code == 0
    assert session(test_it=here.format("")).code == 0


def test_the_plugin_may_be_asked_for_twice(session, mine):
    seen = session("-p", "verinit.pytest_plugin", "-k", "IN101", test_mine=mine)
    assert (seen.code, seen.text.count("= verinit =")) == (0, 1)
