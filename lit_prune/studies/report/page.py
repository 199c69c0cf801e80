"""A report as one web page that can be sent: its figures are in it, and it asks for nothing else."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element

import yaml
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from lit_prune.studies.report.run import Run

_DENSITY = 1.8  # pixels of a figure for one of the page
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


def page(title: str, text: str, runs: Sequence[Run], folder: Path) -> str:
    """The page.

    Args:
        title: The report's title.
        text: The report in markdown.
        runs: The runs, which the page links to where they lie.
        folder: The study's folder: of figures, and of study.yaml, which the page quotes.
    """
    body = Markdown(extensions=["tables", _AsText(), _Embedded(folder)], output_format="html").convert(text)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
            f"<style>{_STYLE}</style></head><body>",
            body,
            *_details(f"The {len(runs)} runs", _links(runs, folder)),
            *_details("How they were set", _settings(folder)),
            "</body></html>\n",
        ]
    )


class _AsText(Extension):
    """Shows tags in the text, as in a run's name, in place of following them."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (its name in the library)
        """Deregister what follows them."""
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")


class _Embedded(Extension):
    """Puts the pictures that markdown names into the page."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (its name in the library)
        """Register what does it."""
        md.treeprocessors.register(_Embed(md, self.folder), "embed", 0)


class _Embed(Treeprocessor):
    def __init__(self, md: Markdown, folder: Path) -> None:
        super().__init__(md)
        self.folder = folder

    def run(self, root: Element) -> None:
        for picture in root.iter("img"):
            content = (self.folder / picture.attrib["src"]).read_bytes()
            picture.set("src", f"data:image/png;base64,{base64.b64encode(content).decode()}")
            picture.set("width", f"{int.from_bytes(content[16:20]) / _DENSITY:.0f}")  # where a PNG has its width


def _details(summary: str, content: str) -> list[str]:
    return [f"<details><summary>{summary}</summary>", content, "</details>"] if content else []


def _links(runs: Sequence[Run], folder: Path) -> str:
    lines = ["<ul>"]
    for run in runs:
        place = quote(run.folder.relative_to(folder).as_posix())
        lines.append(f'<li><a href="{place}/">{html.escape(run.name)}</a>: {html.escape(run.status)}</li>')
    return "\n".join([*lines, "</ul>"])


def _settings(folder: Path) -> str:
    path = folder / "study.yaml"
    if not path.is_file():
        return ""
    text = yaml.safe_dump(yaml.safe_load(path.read_text()), sort_keys=False, allow_unicode=True, width=120)
    return f"<pre>{html.escape(text)}</pre>"
