"""A real browser shows the page in both colour schemes, and the page never scrolls sideways."""

import html
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
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the path"),
]
SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DARK, LIGHT = 0, 1
WIDTHS = (400, 700, 1400)
SHOTS = (400, 1200)
HEIGHT = 2000
PROBE = "<p style='width:900px'>wide</p>"
MEASURED = """<!doctype html><body onload="
document.querySelector('output').textContent = JSON.stringify(
  [...document.querySelectorAll('iframe')].map(frame => {{
    const inner = frame.contentDocument;
    const wide = [...inner.querySelectorAll('h1,h2,h3,p,pre,li,dd,figcaption,summary')]
      .filter(node => node.getBoundingClientRect().right > inner.documentElement.clientWidth + 1);
    return [inner.documentElement.scrollWidth, inner.body.scrollWidth, wide.length];
  }}))">
<output></output>{frames}</body>"""
SHOWN = '<!doctype html><body style="margin:0;display:flex">{frames}</body>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place for the page, for what is drawn around it, and for the browser's own files."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(folder):
    return verinit.report.write(SAMPLE["sample"](), folder)


def browse(folder, text, *flags):
    """One start of the browser, on `text` as a page that lies in `folder`."""
    wrapper = folder / "wrapper.html"
    wrapper.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", *flags, wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def frame(width, text):
    return f'<iframe style="border:0" width="{width}" height="900" srcdoc="{html.escape(text)}"></iframe>'


@pytest.fixture(scope="module")
def widths(folder, page):
    """By page and width: scroll widths of the document and its body, and how many blocks are cut off."""
    long = "x" * 10_000
    failed = SAMPLE["Verdict"].failed
    report = SAMPLE["sample"](findings=(SAMPLE["finding"](long, verdict=failed, likely=long),), exhibits=())
    whole = page.read_text(encoding="utf-8")
    shown = {("page", width): whole for width in WIDTHS}
    ledger = page.with_name("textbook.html").read_text(encoding="utf-8")
    shown |= {("ledger", width): ledger for width in WIDTHS}
    shown |= {("long names", 400): verinit.report.html(report), ("probe", 400): PROBE}
    frames = "".join(frame(width, text) for (_, width), text in shown.items())
    dom = browse(folder, MEASURED.format(frames=frames), "--dump-dom", "--window-size=1500,1000")
    numbers = dom.partition("<output>[[")[2].partition("]]</output>")[0].split("],[")
    return {key: tuple(map(int, triple.split(","))) for key, triple in zip(shown, numbers, strict=True)}


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


@pytest.mark.parametrize("name", ["page", "ledger"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(widths, width, name):
    document, body, cut = widths[name, width]
    assert document <= width
    assert body <= width
    assert cut == 0


def test_the_probe_for_sideways_scrolling_can_fail(widths):
    document, _, cut = widths["probe", 400]
    assert document > 400
    assert cut == 1


def test_long_names_do_not_make_the_page_scroll(widths):
    assert widths["long names", 400] == (400, 400, 0)
