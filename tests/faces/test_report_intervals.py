"""A failure without a figure of its own has one made of its evidence, in the units that were judged."""

import dataclasses
import math
import runpy
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

import verinit.report
from verinit.report import figures
from verinit.report.inline import inline
from verinit.report.intervals import MOST, intervals
from verinit.report.marks import Area, Dots, Line, Words
from verinit.vocabulary import Verdict

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
finding, evidence, sample = SAMPLE["finding"], SAMPLE["evidence"], SAMPLE["sample"]


def failed(draw=0, **changes):
    return finding("mine:he", draw=draw, verdict=Verdict.failed, evidence=evidence(**changes))


def far(draw=0, **changes):
    return failed(draw, **{"observed": 0.5, "distance": 0.5, "interval": (0.4, 0.6), **changes})


def drawn(shown):
    raw = figures.svg(shown.drawing.marks, width=shown.drawing.width, height=shown.drawing.height)
    return inline(raw, key="k", title=shown.title, description=shown.description)


def places(shown):
    """Left ends of the allowed regions, crosses and discs, in pixels; those of the legend left out."""
    marks = [mark for mark in shown.drawing.marks if not isinstance(mark, Words) and mark.points[0][1] > 20]
    areas = [(mark.points[0][0], mark.points[1][0]) for mark in marks if isinstance(mark, Area)]
    crosses = [mark.points[0][0] for mark in marks if isinstance(mark, Dots) and mark.shape == "x"]
    discs = [mark.points[0][0] for mark in marks if isinstance(mark, Dots) and mark.shape == "o"]
    return areas, crosses, discs


def test_what_failed_lies_outside_the_allowed_region_and_what_passed_within():
    (((left, right),), (cross,), discs) = places(intervals([far()]))
    assert cross < left
    assert discs == []
    (((left, right),), crosses, (disc,)) = places(intervals([finding()]))
    assert left <= disc <= right
    assert crosses == []


def test_each_case_has_a_line_with_its_name_and_what_was_observed():
    shown = intervals([far(d, observed=0.5 + d / 100, distance=0.5 - d / 100) for d in range(3)])
    words = [mark.text for mark in shown.drawing.marks if isinstance(mark, Words)]
    for draw in range(3):
        assert any(word.endswith(f"#{draw}") for word in words)
        assert f"{0.5 + draw / 100:.5g}" in words
    assert [row[3] for row in shown.data[0].rows] == ["0.5", "0.51", "0.52"]


def test_the_allowed_region_is_seen_however_narrow_it_is():
    areas, _, _ = places(intervals([far(tolerance=1e-16)]))
    assert areas[0][1] - areas[0][0] >= 2


def test_a_relative_distance_has_the_axis_of_what_was_judged():
    """Observed less expected is small; the verdict rests on a distance in another unit."""
    relative = failed(expected=1e-9, observed=2e-9, distance=1.0, tolerance=1e-3, interval=None)
    shown = intervals([relative])
    (((_, right),), (cross,), _) = places(shown)
    assert cross > right
    assert shown.data[0].title.startswith("distance judged: ")
    assert shown.data[0].rows[0][2:4] == ("0 to 0.001", "1")


def test_a_distance_from_the_interval_is_drawn_by_its_values():
    equivalence = failed(expected=0.0, observed=0.9, distance=0.7, tolerance=0.5, interval=(0.7, 1.1))
    shown = intervals([equivalence])
    assert shown.data[0].title == "Var[W] / predicted"
    assert shown.data[0].rows[0][4] == "0.7 to 1.1"


def test_a_departure_in_the_last_digits_is_said_as_a_difference():
    tiny = failed(expected=-1.0, observed=-1.0 - 2.0**-23, distance=2.0**-23, tolerance=0.0, interval=None)
    words = [mark.text for mark in intervals([tiny]).drawing.marks if isinstance(mark, Words)]
    assert "-1.2e-07 off" in words


def test_an_interval_without_chance_is_not_said_to_come_from_a_sample():
    law = failed(expected=1.0, observed=1.2, distance=0.2, tolerance=0.0, interval=(0.0, 1.0), p=None)
    for shown, word, header in (
        (intervals([law]), "interval", "interval"),
        (intervals([far()]), "not excluded", "not excluded by the sample"),
    ):
        assert word in [mark.text for mark in shown.drawing.marks if isinstance(mark, Words)]
        assert shown.data[0].header[4] == header


def test_cases_of_another_quantity_do_not_share_the_axis_and_are_counted():
    shown = intervals([far(), far(1), far(2, quantity="another"), far(3, expected=2.0, distance=1.5)])
    assert len(shown.data[0].rows) == 2
    assert "2 more cases not drawn." in shown.caption


def test_no_more_cases_are_drawn_than_can_be_looked_at():
    shown = intervals([far(draw) for draw in range(MOST + 1)])
    assert len(shown.data[0].rows) == MOST
    assert "1 more case not drawn." in shown.caption


def test_the_caption_repeats_n_and_rates():
    assert intervals([far()]).count == (
        "Judged on n = 524288, chi-square, false-fail rate 2e-07, false-pass rate 1e-06"
    )
    assert intervals([far(p=None, basis="1 ulp", n=45)]).count == "Judged on n = 45, 1 ulp"


def test_nothing_is_drawn_of_what_was_not_measured_or_not_predicted():
    assert intervals([finding(verdict=Verdict.errored, reason="it crashed")]) is None
    assert intervals([far(expected=math.nan)]) is None


def test_a_figure_of_the_check_goes_before_one_made_of_evidence():
    own = dataclasses.replace(far(), exhibits=(SAMPLE["cells"](),))
    page = verinit.report.html(sample(findings=(own,), exhibits=(), rulings=()))
    assert page.count("<svg ") == 1
    assert "Standardised weights against their law" in page
    assert "n = 10000; judged on n = 524288, chi-square, false-fail rate 2e-07" in page


def test_every_failure_that_measured_something_has_a_picture():
    findings = [
        dataclasses.replace(far(), target=f"mine:{index}", claim=claim)
        for index in range(3)
        for claim in SAMPLE["CLAIMS"].values()
    ]
    page = verinit.report.html(sample(findings=tuple(findings), exhibits=(), rulings=()))
    assert page.count('<article class="finding is-failed"') == page.count("<svg ") == 9


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(FLOATS, FLOATS, FLOATS, st.none() | st.tuples(FLOATS, FLOATS)), min_size=1, max_size=4
    )
)
def test_any_evidence_can_be_drawn(rows):
    findings = [
        failed(
            draw,
            expected=expected,
            observed=observed,
            distance=distance,
            tolerance=abs(distance),
            interval=ends,
        )
        for draw, (expected, observed, distance, ends) in enumerate(rows)
    ]
    shown = intervals(findings)
    assert (shown is None) == (not any(math.isfinite(row[0]) for row in rows))
    if shown:
        ElementTree.fromstring(drawn(shown))
        for mark in shown.drawing.marks:
            points = [mark.point] if isinstance(mark, Words) else mark.points
            assert all(0 <= x <= shown.drawing.width and 0 <= y <= shown.drawing.height for x, y in points)
            assert not isinstance(mark, Line) or len(mark.points) == 2
