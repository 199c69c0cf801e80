"""A report as a page of its own."""

import base64
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lit_prune.report.page import page
from lit_prune.report.run import Run

PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1800).to_bytes(4) + (900).to_bytes(4)
TEXT = """# A <title>

| axis | value |
| --- | ---: |
| a\\|b | **.91** |

![one](figures/one.png)

A caption.
"""


class Seen(HTMLParser):
    """What a browser would find."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())


def run(name, folder, status="completed"):
    return Run(name, folder, status, None, "", {}, None, None, None, None, None)


@pytest.fixture
def seen(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "one.png").write_bytes(PICTURE)
    (tmp_path / "study.yaml").write_text("title: A <b>\nruns: {}\n")
    runs = [run("kind/loss=<ce>", tmp_path / "kind/loss=<ce>/version_0"), run("b", tmp_path / "b/version_1", "failed")]
    found = Seen()
    found.feed(page("A <title>", TEXT, runs, tmp_path, [tmp_path / "figures" / "one.png"]))
    return found


def test_tables_figures_and_settings_are_in_it(seen):
    assert ("th", {"style": "text-align: right;"}) in seen.tags
    for text in ("a|b", ".91", "A caption.", "kind/loss=<ce>", "The 2 runs"):
        assert text in seen.texts
    assert "title: A <b>\nruns: {}" in seen.texts
    assert seen.texts.count("A <title>") == 2  # of the page and of the report


def test_wide_blocks_scroll_within_boxes_and_figures_have_captions(seen):
    tags = [tag for tag, _ in seen.tags]
    assert [tag for tag, attrs in seen.tags if attrs.get("class") == "wide"] == ["div", "div"]
    around = [(tag, attrs.get("class")) for tag, attrs in seen.tags]
    assert around[tags.index("table") - 1] == ("div", "wide")
    picture = tags.index("img")
    assert seen.tags[picture - 2] == ("figure", {"style": "width: 1000px"})
    assert seen.tags[picture][1]["style"] == "min-width: 750px"  # a phone does not shrink it further
    assert tags[picture + 1] == "figcaption"
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in seen.tags


def test_rounds_of_a_run_are_one_link(tmp_path):
    rounds = [replace(run(f"imp/round_{number}", tmp_path / "imp"), files=f"round_{number}_") for number in (1, 2)]
    text = page("A", "# A\n", [*rounds, run("sam", tmp_path / "sam")], tmp_path, [])
    assert "<summary>The 2 runs</summary>" in text
    assert text.count('<a href="imp/">imp</a>') == 1


def test_it_asks_for_nothing_else(seen):
    links = [value for tag, attrs in seen.tags for name, value in attrs.items() if name in ("src", "href")]
    assert links == [
        f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}",
        "kind/loss%3D%3Cce%3E/version_0/",
        "b/version_1/",
    ]
    assert [attrs["width"] for tag, attrs in seen.tags if tag == "img"] == ["1000"]
    assert not {"script", "link", "iframe"} & {tag for tag, _ in seen.tags}


def test_a_folder_without_study_has_no_settings(tmp_path):
    text = page("A", "# A\n", [run("a", Path(tmp_path) / "a")], tmp_path, [])
    assert "<summary>The run</summary>" in text
    assert "How they were set" not in text


HOSTILE = """# [title](javascript:alert(1))

![secret](../secret.png) ![other](figures/other.png) ![three][ref] <https://a.b> [short] [a][ref]

[ref]: javascript:alert(2)
[short]: https://a.b

<img src="https://a.b/c.png"> <script>alert(3)</script>
"""


def test_what_is_no_figure_of_the_report_is_text(tmp_path):
    (tmp_path / "study").mkdir()
    for path in ("secret.png", "study/figures/other.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(PICTURE)
    found = Seen()
    found.feed(
        page("A", HOSTILE, [run("javascript:alert(4)", tmp_path / "study/javascript:alert(4)")], tmp_path / "study", [])
    )
    values = [value for _, attrs in found.tags for name, value in attrs.items() if name in ("src", "href")]
    assert values == ["javascript%3Aalert%284%29/"]  # a folder beside the page
    assert not {"img", "script", "iframe"} & {tag for tag, _ in found.tags}
    assert "[title](javascript:alert(1))" in found.texts
    assert "secret" in found.texts
