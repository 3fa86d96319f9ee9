"""A real browser shows the page in both colour schemes: nothing is cut, overlaps, or scrolls sideways."""

import dataclasses
import html
import json
import runpy
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import verinit.report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the path"),
]
SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DARK, LIGHT = 0, 1
WIDTHS = (400, 1400)
SHOTS = (400, 1200)
HEIGHT = 2000
MEASURED = """<!doctype html><meta charset="utf-8"><body><output></output>{frames}<script>
const off = 1.5;  // pixels that rounding may take
function named(node) {{ return node.nodeName.toLowerCase() + ": " + node.textContent.trim().slice(0, 60); }}
function measure(page) {{
  const root = page.documentElement, wide = root.clientWidth;
  page.querySelectorAll("details").forEach(one => one.open = true);
  const free = [...page.body.querySelectorAll("*")].filter(node => !node.closest(
    ".scroll, .spoken, .skip, .matrix i, style, script"));
  const box = node => node.getBoundingClientRect();
  const found = {{
    scrolls: [root, page.body].filter(one => one.scrollWidth > wide).map(named),
    sticksOut: free.filter(one => box(one).right > wide + off || box(one).left < -off).map(named),
    cut: free.filter(one => getComputedStyle(one).overflowX != "visible"
      && one.scrollWidth > one.clientWidth + off).map(named),
    spills: [...page.querySelectorAll("td, th")].filter(one =>
      one.scrollWidth > one.clientWidth + off).map(named),
    leaves: [], overlaps: [], figures: page.querySelectorAll("svg").length,
    words: page.querySelectorAll("svg text").length,
  }};
  for (const svg of page.querySelectorAll("svg")) {{
    const sheet = box(svg), texts = [...svg.querySelectorAll("text")].map(node => [node, box(node)]);
    for (const [node, at] of texts)
      if (at.left < sheet.left - off || at.right > sheet.right + off
          || at.top < sheet.top - off || at.bottom > sheet.bottom + off) found.leaves.push(named(node));
    texts.forEach(([one, a], index) => texts.slice(index + 1).forEach(([two, b]) => {{
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > off
          && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2 * off)
        found.overlaps.push(named(one) + " | " + named(two));
    }}));
  }}
  return found;
}}
addEventListener("load", () => {{
  document.querySelector("output").textContent = JSON.stringify(
    [...document.querySelectorAll("iframe")].map(frame => measure(frame.contentDocument)));
}});
</script></body>"""
"""A page of pages that measures each: what is wider than it may be, what is cut, and what lies on what."""
CLEAN = {key: [] for key in ("scrolls", "sticksOut", "cut", "spills", "leaves", "overlaps")}
PROBE = """<!doctype html><meta charset="utf-8"><p style="width:900px">wide</p>
<p style="overflow:hidden;width:60px;white-space:nowrap">cut off at the right</p>
<table style="table-layout:fixed;width:80px"><td style="white-space:nowrap">longer than its cell</table>
<svg width="100" height="40"><text x="5" y="20">one</text><text x="8" y="20">two</text>
<text x="90" y="35">leaves</text></svg>"""
SHOWN = '<!doctype html><body style="margin:0;display:flex">{frames}</body>'
PRINTED = """<!doctype html><meta charset="utf-8"><body><output></output>{frames}<script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  const all = [...page.querySelectorAll("details")];
  const inside = one => [...one.children].slice(1);
  document.querySelector("output").textContent = JSON.stringify({{
    folded: all.length,
    read: all.filter(one => inside(one).every(node => node.checkVisibility())).length,
    paper: getComputedStyle(page.body).backgroundColor,
    curbed: [...page.querySelectorAll(".scroll")].filter(one =>
      getComputedStyle(one).overflowX != "visible").length,
  }});
}});
</script></body>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place for the page, for what is drawn around it, and for the browser's own files."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(folder):
    return verinit.report.write(SAMPLE["sample"](), folder)


def browse(folder, text, *flags):
    """One start of the browser on `text`, a page in `folder`: what it printed, and what its console said."""
    wrapper = folder / "wrapper.html"
    wrapper.write_text(text, encoding="utf-8")
    loud = ("--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}")
    done = subprocess.run(
        [BROWSER, *QUIET, *loud, *flags, wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def frame(width, text):
    return f'<iframe style="border:0" width="{width}" height="900" srcdoc="{html.escape(text)}"></iframe>'


def measured(folder, template, frames, *flags):
    """What the script of `template` found in `frames`, and what the console said."""
    text = template.format(frames="".join(frames))
    dom, console = browse(folder, text, "--dump-dom", "--window-size=1500,1000", *flags)
    found = dom.partition("<output>")[2].partition("</output>")[0]
    return json.loads(html.unescape(found)), console


def large():
    """60 targets by 90 checks, of which every twentieth fails."""
    claims = [dataclasses.replace(SAMPLE["VARIANCE"], id=f"XX{100 + index}") for index in range(90)]
    outcomes = SAMPLE["Verdict"]
    return SAMPLE["sample"](
        exhibits=(),
        findings=tuple(
            dataclasses.replace(
                SAMPLE["finding"](
                    f"package.module_{row}:initializer_{row}",
                    verdict=outcomes.failed if (row + column) % 20 == 0 else outcomes.passed,
                ),
                claim=claim,
            )
            for row in range(60)
            for column, claim in enumerate(claims)
        ),
    )


@pytest.fixture(scope="module")
def pages(page):
    """The pages that are measured, by name."""
    long = "x" * 10_000
    failed = SAMPLE["finding"](long, verdict=SAMPLE["Verdict"].failed, likely=long)
    report = SAMPLE["sample"](findings=(failed,), exhibits=())
    shown = '<!doctype html><meta charset="utf-8"><body style="margin:0">{}</body>'
    return {
        "page": page.read_text(encoding="utf-8"),
        "ledger": page.with_name("textbook.html").read_text(encoding="utf-8"),
        "long names": verinit.report.html(report),
        "large matrix": verinit.report.html(large()),
        "notebook": shown.format(SAMPLE["sample"]()._repr_html_()),
        "probe": PROBE,
    }


NAMES = ("page", "ledger", "long names", "large matrix", "notebook")


@pytest.fixture(scope="module")
def measures(folder, pages):
    """What was measured, by page and width, and what the console said."""
    wanted = [(name, width) for name in pages for width in WIDTHS]
    found, console = measured(folder, MEASURED, [frame(width, pages[name]) for name, width in wanted])
    return dict(zip(wanted, found, strict=True)), console


@pytest.fixture(scope="module", params=[LIGHT, DARK], ids=["light", "dark"])
def shot(request, folder, page):
    """The scheme that the reader prefers, and what the page looks like at each width."""
    frames = "".join(
        f'<iframe style="border:0" width="{width}" height="{HEIGHT}" src="{page.name}"></iframe>'
        for width in SHOTS
    )
    picture = folder / f"shot{request.param}.png"
    browse(
        folder,
        SHOWN.format(frames=frames),
        f"--blink-settings=preferredColorScheme={request.param}",
        f"--window-size={sum(SHOTS)},{HEIGHT}",
        f"--screenshot={picture}",
    )
    pixels = matplotlib.image.imread(picture)[..., :3]
    assert pixels.shape == (HEIGHT, sum(SHOTS), 3)
    return request.param, dict(zip(SHOTS, np.split(pixels, [SHOTS[0]], axis=1), strict=True))


@pytest.mark.parametrize("width", SHOTS)
def test_the_page_is_legible_in_either_scheme(shot, width):
    scheme, pictures = shot
    pixels = pictures[width]
    paper = pixels[5, 5]
    assert (paper.mean() > 0.9) == (scheme == LIGHT)
    assert (paper.mean() < 0.15) == (scheme == DARK)
    printed = np.abs(pixels - paper).max(axis=2) > 0.3
    assert 0.005 < printed.mean() < 0.5
    assert len(np.unique((pixels[printed] * 255).astype(int), axis=0)) > 50


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_and_nothing_overlaps(measures, name, width):
    found = measures[0][name, width]
    assert found["figures"] > 0
    assert found["words"] > 3 * found["figures"]
    assert {key: found[key] for key in CLEAN} == CLEAN


def test_the_probe_can_fail_in_every_way(measures):
    found = measures[0]["probe", 400]
    assert {key: len(found[key]) for key in CLEAN} == {
        **dict.fromkeys(CLEAN, 1),
        "scrolls": 2,
        "sticksOut": 1,
    }


def test_the_console_stays_silent(measures):
    assert measures[1] == []


def test_the_probe_for_the_console_can_fail(folder):
    _, console = browse(folder, "<!doctype html><script>nothing()</script>", "--dump-dom")
    assert any("nothing is not defined" in line for line in console)


def test_paper_unfolds_everything_and_is_never_dark(folder, pages):
    """The rules for paper are put on the screen, in front of a reader who prefers the dark."""
    text = pages["page"].replace("@media print", "@media all")
    dark = f"--blink-settings=preferredColorScheme={DARK}"
    found, _ = measured(folder, PRINTED, [frame(1000, text)], dark)
    assert found["folded"] > 10
    assert found["read"] == found["folded"]
    assert found["curbed"] == 0
    assert found["paper"] == "rgb(255, 255, 255)"
    folded, _ = measured(folder, PRINTED, [frame(1000, pages["page"])], dark)
    assert folded["read"] == 0
    assert folded["curbed"] > 10
    assert folded["paper"] == "rgb(20, 23, 27)"


def test_the_page_looks_the_same_where_scripts_are_forbidden(folder, page):
    """A picture that was taken too early, on a busy machine, is taken again; a difference would stay."""
    settled = ("--virtual-time-budget=5000", "--run-all-compositor-stages-before-draw")
    for _ in range(3):
        looks = []
        for allowed in ('sandbox=""', 'sandbox="allow-scripts"'):
            picture = folder / f"script{len(looks)}.png"
            size = f'width="900" height="{HEIGHT}"'
            inner = f'<iframe {allowed} style="border:0" {size} src="{page.name}"></iframe>'
            shown = SHOWN.format(frames=inner)
            browse(folder, shown, f"--window-size=900,{HEIGHT}", f"--screenshot={picture}", *settled)
            looks.append(matplotlib.image.imread(picture))
        if np.array_equal(*looks):
            break
    assert np.array_equal(*looks)
    assert len(np.unique(looks[0])) > 50
