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
WRAPPER = """<!doctype html><body onload="
const inner = document.querySelector('iframe').contentDocument;
const wide = [...inner.querySelectorAll('h1,h2,h3,p,pre,li,dd,figcaption,summary')]
  .filter(node => node.getBoundingClientRect().right > inner.documentElement.clientWidth + 1);
document.querySelector('output').textContent =
  inner.documentElement.scrollWidth + ' ' + inner.body.scrollWidth + ' ' + wide.length">
<output></output><iframe style="border:0" width="{width}" height="900" srcdoc="{page}"></iframe></body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return verinit.report.write(SAMPLE["sample"](), tmp_path_factory.mktemp("report"))


def browse(folder, address, *flags):
    profile = folder / "profile"
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={profile}", *flags, address.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def widths(folder, text, width):
    """Scroll widths of the document and its body, and how many blocks of text are cut off."""
    wrapper = folder / "wrapper.html"
    wrapper.write_text(WRAPPER.format(width=width, page=html.escape(text)), encoding="utf-8")
    shown = browse(folder, wrapper, "--dump-dom", "--window-size=1500,1000")
    return tuple(map(int, shown.partition("<output>")[2].partition("</output>")[0].split()))


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_the_page_is_legible_in_either_scheme(page, tmp_path, scheme, width):
    shot = tmp_path / "shot.png"
    flags = (f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={max(width, 500)},3000")
    browse(tmp_path, page, *flags, f"--screenshot={shot}")
    pixels = matplotlib.image.imread(shot)[..., :3]
    paper = pixels[5, 5]
    assert (paper.mean() > 0.9) == (scheme == LIGHT)
    assert (paper.mean() < 0.15) == (scheme == DARK)
    printed = np.abs(pixels - paper).max(axis=2) > 0.3
    assert 0.005 < printed.mean() < 0.5
    assert len(np.unique((pixels[printed] * 255).astype(int), axis=0)) > 50


@pytest.mark.parametrize("width", [400, 700, 1400])
def test_the_page_never_scrolls_sideways(page, tmp_path, width):
    document, body, cut = widths(tmp_path, page.read_text(encoding="utf-8"), width)
    assert document <= width
    assert body <= width
    assert cut == 0


def test_the_probe_for_sideways_scrolling_can_fail(tmp_path):
    document, _, cut = widths(tmp_path, "<p style='width:900px'>wide</p>", 400)
    assert document > 400
    assert cut == 1


def test_long_names_do_not_make_the_page_scroll(tmp_path):
    long = "x" * 10_000
    failed = SAMPLE["Verdict"].failed
    report = SAMPLE["sample"](findings=(SAMPLE["finding"](long, verdict=failed, likely=long),), exhibits=())
    document, body, cut = widths(tmp_path, verinit.report.html(report), 400)
    assert (document, body, cut) == (400, 400, 0)
