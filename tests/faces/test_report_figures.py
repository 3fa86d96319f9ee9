"""A figure is a function of its data, is named for those who do not see it, and draws anything."""

import math
import runpy
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.report import figures
from verinit.report.inline import inline, path
from verinit.report.marks import Area, Dots, Words
from verinit.report.panels import Frame, outside, panel
from verinit.report.plates import drawing, is_experiment, plates
from verinit.report.readings import description, table
from verinit.report.scales import decade, scale, ticks
from verinit.vocabulary import Axis, Exhibit

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
EXPERIMENT = tuple(SAMPLE["plates"]())
LARGE = sys.float_info.max
FRAME = Frame(left=40, top=20, width=300, height=150)


def rendered(plate, key="k"):
    sheet = drawing(plate)
    raw = figures.svg(sheet.marks, width=sheet.width, height=sheet.height)
    return inline(raw, key=key, title=plate.title, description=description(plate))


def curve(observed, **details):
    given = {"id": "c", "kind": "curve", "title": "c", "x": tuple(map(float, range(len(observed))))}
    return Exhibit(**{**given, "observed": tuple(observed), **details})


def words(plate):
    return [mark for mark in drawing(plate).marks if isinstance(mark, Words)]


def test_the_same_plate_gives_the_same_bytes():
    first, again = (rendered(plates(EXPERIMENT)[0]) for _ in range(2))
    assert first == again


def test_sixty_panels_stay_small():
    whole = "".join(rendered(plate) for plate in plates(EXPERIMENT))
    assert len(whole.encode()) < 400 * 1024


def test_a_figure_is_well_formed_named_and_refers_to_nothing_outside():
    for plate in plates((*EXPERIMENT, SAMPLE["gains"](), SAMPLE["cells"]())):
        text = rendered(plate, key="one")
        root = ElementTree.fromstring(text)
        ids = [node.get("id") for node in root.iter() if node.get("id")]
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "one-t one-d"
        assert root[0].tag == "title"
        assert root[0].text == plate.title
        assert root[1].tag == "desc"
        assert len(root[1].text) > 20
        assert len(ids) == len(set(ids))
        assert all(name.startswith("one-") for name in ids)
        assert "http" not in text
        used = {node.get("href")[1:] for node in root.iter() if node.get("href")}
        assert used <= set(ids)


def test_no_sentinel_colour_is_left():
    for plate in plates((*EXPERIMENT, SAMPLE["gains"](), SAMPLE["cells"]())):
        text = rendered(plate)
        assert "#0a0b" not in text
        assert "var(--fig-observed)" in text


def test_rows_and_columns_keep_the_order_of_first_appearance():
    plate = plates(EXPERIMENT)[0]
    assert is_experiment(plate)
    assert plate.rows == tuple(f"sigmoid, {scheme}" for scheme in SAMPLE["SCHEMES"])
    assert plate.columns == tuple(f"layer {layer}" for layer in range(1, 6))
    assert len(plate.cells) == 20


def test_every_row_column_and_note_of_a_plate_is_printed():
    plate = plates(EXPERIMENT)[1]
    shown = {mark.text for mark in words(plate)}
    assert {*plate.rows, *plate.columns} <= shown
    for exhibit in plate.panels:
        assert {f"{name} {value}" for name, value in exhibit.notes} <= shown


def test_each_panel_has_the_scale_of_its_own_edges():
    collapsed = [exhibit for exhibit in EXPERIMENT if exhibit.row == "tanh, std 0.01"]
    assert collapsed[4].x[-1] < collapsed[0].x[-1] / 1000
    filled = [sum(count > 0.05 * max(e.observed) for count in e.observed) for e in collapsed]
    assert min(filled) > 5


def test_labels_of_one_line_do_not_overlap():
    """A digit of the widest common face is 0.64 of its size; labels are a gap apart even in it."""
    for plate in plates((*EXPERIMENT, SAMPLE["gains"]())):
        lines = {}
        for mark in words(plate):
            half = 0.64 * mark.size * len(mark.text) * 0.5
            x = mark.point[0] + {"start": half, "middle": 0.0, "end": -half}[mark.anchor]
            lines.setdefault(round(mark.point[1], 1), []).append((x - half, x + half, mark.text))
        for line in lines.values():
            line.sort()
            for (_, right, one), (left, _, other) in pairwise(line):
                assert right <= left + 1.0, (one, other)


def test_two_panels_for_one_place_are_both_shown():
    twice = plates([curve([1.0, 2.0], plate="p"), curve([3.0, 4.0], plate="p")])
    assert len(twice) == 1
    assert [at for at, _ in twice[0].cells] == [(0, 0), (0, 1)]


def test_values_without_a_place_are_counted_under_the_panel():
    plate = plates([curve([1.0, math.nan, math.inf, 0.0, 10.0], y_axis=Axis(label="y", log=True))])[0]
    assert "3 not drawn: not positive or not finite" in {mark.text for mark in words(plate)}


def test_points_outside_the_band_are_named():
    exhibit = curve([1.0, 5.0, math.nan, 2.0], band=((0.0, 0.0, 0.0, 2.0), (1.0, 1.0, 1.0, math.inf)))
    assert outside(exhibit) == {1, 2}
    assert "2 of 4 points outside the allowed region" in description(plates([exhibit])[0])


def test_the_table_repeats_every_number_of_the_panel():
    exhibit = SAMPLE["cells"]()
    shown = table(exhibit)
    assert shown.header == ("W / predicted std", "observed", "expected", "allowed")
    assert len(shown.rows) == len(exhibit.observed)
    assert shown.rows[0][0] == "-3 to -2.7"
    assert float(shown.rows[10][1]) == float(f"{exhibit.observed[10]:.6g}")


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0, 35000.0, ["0", "10k", "20k", "30k"]),
        (-1.2e-5, 1.1e-5, ["-1.0e-5", "-5e-6", "0", "5e-6", "1.0e-5"]),
        (2.0, 2.5e6, ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]),
    ],
)
def test_linear_ticks_are_round_and_short(low, high, labels):
    found = [label for _, label in ticks(scale([low, high]), most=6, room=400, size=6)]
    assert found == [label for label in labels if label in found]
    assert len(found) >= len(labels) - 1


def test_logarithmic_ticks_are_decades():
    found = ticks(scale([1e-8, 1.0], log=True), most=5, room=400, size=6)
    assert [label for _, label in found] == [decade(power) for power in (-8, -6, -4, -2, 0)]


def test_less_than_a_decade_has_round_ticks_too():
    found = ticks(scale([0.25, 0.4], log=True, room=0.06), most=5, room=400, size=6)
    assert [label for _, label in found] == ["0.25", "0.30", "0.35", "0.40"]
    shares = [share for share, _ in found]
    assert shares == sorted(shares)
    assert shares[1] - shares[0] > shares[3] - shares[2]


def test_a_point_alone_has_a_region_of_its_own():
    alone = curve([0.3], band=((0.25,), (0.4,)))
    regions = [mark for mark in panel(alone, FRAME) if isinstance(mark, Area)]
    assert len(regions) == 1
    xs, ys = zip(*regions[0].points, strict=True)
    assert max(xs) - min(xs) > 4
    assert max(ys) - min(ys) > 20


def test_many_points_are_a_line_in_the_figure_and_in_its_legend():
    dense = plates([curve([float(i) for i in range(200)])])[0]
    assert not [mark for mark in drawing(dense).marks if isinstance(mark, Dots)]
    few = plates([curve([1.0, 2.0, 3.0])])[0]
    assert len([mark for mark in drawing(few).marks if isinstance(mark, Dots)]) == 2


def test_a_path_keeps_its_corners():
    assert path("M 0 0 \nL 10.04 0 \nL 10.04 5.5 \nL 3 2 \nz\n") == "M0 0H10V5.5L3 2z"


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
HEIGHTS = st.lists(FLOATS | st.sampled_from([0.0, LARGE, -LARGE, 5e-324]), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), heights=HEIGHTS, log=st.booleans(), kind=st.sampled_from(["histogram", "curve"]))
def test_any_exhibit_can_be_drawn(data, heights, log, kind):
    count = len(heights) + (kind == "histogram")
    x = data.draw(st.lists(FLOATS, min_size=count, max_size=count))
    other = data.draw(st.lists(FLOATS, min_size=len(heights), max_size=len(heights)))
    exhibit = Exhibit(
        id="any",
        kind=kind,
        title=data.draw(st.text(max_size=5)) or "t",
        x=tuple(sorted(x) if data.draw(st.booleans()) else x),
        observed=tuple(heights),
        expected=tuple(other),
        band=(tuple(other), tuple(heights)) if data.draw(st.booleans()) else None,
        x_axis=Axis(label="x", log=log),
        y_axis=Axis(label="y", log=data.draw(st.booleans())),
        notes=((data.draw(st.text(max_size=20)), "\x00 $x^2$ <b>"),),
    )
    text = rendered(plates([exhibit])[0])
    ElementTree.fromstring(text)
    assert "nan" not in text.partition("</desc>")[2].replace("nan\x00", "")


@settings(deadline=None)
@given(values=HEIGHTS, log=st.booleans(), most=st.integers(2, 7), room=st.integers(20, 400))
def test_ticks_lie_within_the_scale_and_fit(values, log, most, room):
    found = ticks(scale(values, log=log, room=0.05), most=most, room=room, size=6.0)
    assert all(0.0 <= share <= 1.0 for share, _ in found)
    if len(found) > 1:
        assert len({label for _, label in found}) == len(found)
        assert 6.0 * sum(len(label) for _, label in found) <= room
