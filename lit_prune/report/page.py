"""A report as one self-contained web page with embedded figures."""

import base64
import html
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element

import yaml
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from lit_prune.display.markup import printable
from lit_prune.files import read_yaml
from lit_prune.report.run import Run

_DENSITY = 1.8  # pixels of a figure per pixel of the page
_NARROWEST = 0.75  # of its width, to which a figure shrinks on a phone; wider ones scroll
_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --muted: #59636e; --line: #d5dae0; --page: #fff; --link: #0a58ca; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e3e6ea; --muted: #9aa4af; --line: #3a4149; --page: #14171b; --link: #7ab4ff; }
  img { filter: invert(1) hue-rotate(180deg); mix-blend-mode: lighten; }
}
* { box-sizing: border-box; }
body {
  font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 72rem; margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 3rem; overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
p { max-width: 48rem; margin: .5rem 0 1rem; }
h1 + p, .wide + p, figcaption { color: var(--muted); }
figure { display: inline-block; vertical-align: top; max-width: 100%; margin: 0 3rem 1.5rem 0; }
figcaption { font-size: .9rem; line-height: 1.45; }
a { color: var(--link); }
.wide { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { vertical-align: bottom; line-height: 1.3; max-width: 11rem; text-wrap: balance; }
td[style] { white-space: nowrap; }
td:not([style]) { max-width: 22rem; }
thead th { border-bottom: 2px solid var(--muted); }
img { max-width: 100%; height: auto; display: block; }
pre { overflow-x: auto; font-size: .8rem; }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 .5rem; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  table { font-size: .8rem; }
  th { font-size: .75rem; }
  th, td { padding-right: .5rem; }
  figure { margin-right: 0; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .wide { overflow: visible; }
  table { font-size: 8.5pt; }
  figure { zoom: .7; margin-right: 1.5rem; }
  img { min-width: 0 !important; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""


def page(title: str, text: str, runs: Sequence[Run], folder: Path, figures: Collection[Path]) -> str:
    """Return the page as HTML.

    Args:
        title: The report's title.
        text: The report in markdown.
        runs: The runs; the page links to their folders.
        folder: The study's folder; the page quotes its study.yaml.
        figures: The PNGs of the report; no other images are embedded.
    """
    drawn = {quote(path.relative_to(folder).as_posix()): path for path in figures}
    runs = list({run.folder: run for run in runs}.values())  # rounds of a run share its folder
    body = Markdown(extensions=["tables", _AsText(), _Embedded(drawn)], output_format="html").convert(text)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(printable(title))}</title>",
            f"<style>{_STYLE}</style></head><body>",
            body,
            *_details(f"The {len(runs)} runs" if len(runs) > 1 else "The run", _links(runs, folder)),
            *_details("How they were set", _settings(folder)),
            "</body></html>\n",
        ]
    )


class _AsText(Extension):
    """Markdown without tags and links: names of runs that contain them are shown as text."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name in the library)
        """Deregister the processors of tags and links; images stay, they are the report's figures."""
        md.preprocessors.deregister("html_block")
        md.parser.blockprocessors.deregister("reference")
        for name in ("html", "link", "reference", "short_reference", "autolink", "automail"):
            md.inlinePatterns.deregister(name)
        for name in ("image_reference", "short_image_ref"):
            md.inlinePatterns.deregister(name)


class _Embedded(Extension):
    """Markdown with embedded images, restricted to drawn figures, and with boxes around wide blocks."""

    def __init__(self, drawn: Mapping[str, Path]) -> None:
        super().__init__()
        self.drawn = drawn

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name in the library)
        """Register the processors of images and boxes."""
        md.treeprocessors.register(_Embed(md, self.drawn), "embed", 0)
        md.treeprocessors.register(_Boxes(md), "boxes", -1)


class _Embed(Treeprocessor):
    def __init__(self, md: Markdown, drawn: Mapping[str, Path]) -> None:
        super().__init__(md)
        self.drawn = drawn

    def run(self, root: Element) -> None:
        for picture in list(root.iter("img")):
            path = self.drawn.get(picture.attrib.pop("src"))
            if path is None:
                picture.tag, picture.text = "span", picture.attrib.pop("alt")
                continue
            content = path.read_bytes()
            picture.set("src", f"data:image/png;base64,{base64.b64encode(content).decode()}")
            width = int.from_bytes(content[16:20]) / _DENSITY  # the width in a PNG's header
            picture.set("width", f"{width:.0f}")
            picture.set("style", f"min-width: {_NARROWEST * width:.0f}px")


class _Boxes(Treeprocessor):
    """Tables in boxes that scroll, so that the page does not, and figures with their captions."""

    def run(self, root: Element) -> None:
        blocks = list(root)
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            picture = block.find("img")
            if block.tag == "table":
                _wrap(root, block, "div", {"class": "wide"})
            elif picture is not None:
                block.tag = "div"
                block.set("class", "wide")
                figure = _wrap(root, block, "figure", {"style": f"width: {picture.get('width')}px"})
                if following is not None and following.tag == "p":
                    following.tag = "figcaption"
                    root.remove(following)
                    figure.append(following)


def _wrap(root: Element, block: Element, tag: str, attributes: Mapping[str, str]) -> Element:
    """Put a block of the root into a new element, and return that."""
    around = Element(tag, dict(attributes))
    root[list(root).index(block)] = around
    around.append(block)
    return around


def _details(summary: str, content: str) -> list[str]:
    return [f"<details><summary>{summary}</summary>", content, "</details>"] if content else []


def _links(runs: Sequence[Run], folder: Path) -> str:
    lines = ["<ul>"]
    for run in runs:
        place = quote(os.fsencode(run.folder.relative_to(folder)))
        name, status = (html.escape(printable(each)) for each in (run.base_name, run.status))
        lines.append(f'<li><a href="{place}/">{name}</a>: {status}</li>')
    return "\n".join([*lines, "</ul>"])


def _settings(folder: Path) -> str:
    path = folder / "study.yaml"
    if not path.is_file():
        return ""
    text = yaml.safe_dump(read_yaml(path), sort_keys=False, allow_unicode=True, width=120)
    return f"<pre>{html.escape(text)}</pre>"
