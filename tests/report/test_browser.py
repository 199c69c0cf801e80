"""A report's page as a browser shows it; without Chromium on the machine nothing is tested here."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from matplotlib.image import imread
from records import numbers

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
QUIET += ("--disable-component-update", "--disable-sync", "--disable-quic", "--hide-scrollbars")


@pytest.fixture
def browse(grid, tmp_path):
    """A function that has Chromium open the report with further options: what it printed."""
    figures = [{"name": "fig", "lines": "loss", "where": {"run": "mask"}}]
    grid.add("late", numbers(0.9, 0.6), run="mask", loss="<kl>", sparsity=0.5, seed=4)
    grid.define("A <title>", figures=figures, reference={"loss": "ce"})
    grid.report()
    report = (grid.folder / "report.html").as_uri()

    def run(*options, page=report):
        command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *options, page]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return run


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_it_is_shown_with_its_figures_without_a_network(browse, tmp_path):
    picture = tmp_path / "page.png"
    browse("--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={picture}", "--window-size=1200,3000")
    shown = imread(picture)[..., :3]
    assert shown.shape == (3000, 1200, 3)
    colours = shown.max(axis=2) - shown.min(axis=2) > 0.3
    assert colours.sum() > 500  # the lines of the figure: the page itself is grey


MEASURE = """<iframe src="{page}" style="width: 390px; height: 5000px; border: 0"></iframe><pre></pre><script>
addEventListener("load", () => {{
  const root = document.querySelector("iframe").contentDocument.documentElement;
  const boxes = [...root.querySelectorAll(".wide")];
  const wider = boxes.filter(each => each.scrollWidth > each.clientWidth).length;
  const shown = {{page: root.scrollWidth, boxes: boxes.length, wider: wider}};
  document.querySelector("pre").textContent = JSON.stringify(shown);
}});
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_on_a_phone_tables_scroll_and_the_page_does_not(browse, grid, tmp_path):
    frame = tmp_path / "frame.html"
    frame.write_text(MEASURE.format(page=(grid.folder / "report.html").as_uri()))
    dom = browse("--dump-dom", "--allow-file-access-from-files", page=frame.as_uri())
    shown = json.loads(re.search(r"<pre>(\{.*?\})</pre>", dom)[1])
    assert shown["page"] == 390
    assert 0 < shown["wider"] < shown["boxes"]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_page_and_figures_follow_the_dark_scheme(browse, tmp_path):
    pixels = {}
    for scheme, number in {"dark": 0, "light": 1}.items():
        picture = tmp_path / f"{scheme}.png"
        browse(f"--screenshot={picture}", "--window-size=1200,3000", f"--blink-settings=preferredColorScheme={number}")
        pixels[scheme] = imread(picture)[..., :3]
    assert np.median(pixels["light"]) > 0.95
    assert np.median(pixels["dark"]) < 0.15
    assert (pixels["dark"].min(axis=2) > 0.95).mean() < 0.01  # no white figure


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_names_are_text_and_tables_are_tables(browse):
    dom = browse("--dump-dom")
    assert "&lt;kl&gt;" in dom
    assert "<kl>" not in dom
    assert dom.count("<table>") >= 4
