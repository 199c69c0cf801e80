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
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 88rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #8884; text-align: left; vertical-align: top; }
td[style] { white-space: nowrap; }
td:not([style]) { max-width: 22rem; }
thead th { border-bottom: 2px solid #888; }
img { max-width: 100%; height: auto; background: white; }
pre { overflow-x: auto; font-size: 13px; }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 .5rem; }
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
    body = Markdown(extensions=["tables", _AsText(), _Embedded(drawn)], output_format="html").convert(text)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(printable(title))}</title>',
            f"<style>{_STYLE}</style></head><body>",
            body,
            *_details(f"The {len(runs)} runs", _links(runs, folder)),
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
    """Markdown with embedded images, restricted to drawn figures."""

    def __init__(self, drawn: Mapping[str, Path]) -> None:
        super().__init__()
        self.drawn = drawn

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name in the library)
        """Register the processor that embeds images."""
        md.treeprocessors.register(_Embed(md, self.drawn), "embed", 0)


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
            picture.set("width", f"{int.from_bytes(content[16:20]) / _DENSITY:.0f}")  # the width in a PNG's header


def _details(summary: str, content: str) -> list[str]:
    return [f"<details><summary>{summary}</summary>", content, "</details>"] if content else []


def _links(runs: Sequence[Run], folder: Path) -> str:
    lines = ["<ul>"]
    for run in runs:
        place = quote(os.fsencode(run.folder.relative_to(folder)))
        name, status = (html.escape(printable(each)) for each in (run.name, run.status))
        lines.append(f'<li><a href="{place}/">{name}</a>: {status}</li>')
    return "\n".join([*lines, "</ul>"])


def _settings(folder: Path) -> str:
    path = folder / "study.yaml"
    if not path.is_file():
        return ""
    text = yaml.safe_dump(read_yaml(path), sort_keys=False, allow_unicode=True, width=120)
    return f"<pre>{html.escape(text)}</pre>"
