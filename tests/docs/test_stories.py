"""Every page is one story: its blocks run in order, in one empty folder, with the installed wheel, at toy size."""

import json
import re
import subprocess
import sys

import pytest
from fixtures.pages import TOY_SIZE, as_story
from pages import PAGES, read_blocks, read_given, title

QUICK = ("README.md", "docs/index.md")  # in the normal run; the others are slow


def stories():
    """The pages with blocks that run, slow but for the quick ones."""
    for page in PAGES:
        if as_story(title(page), read_blocks(page)):
            marks = () if title(page) in QUICK else pytest.mark.slow
            yield pytest.param(page, id=title(page), marks=marks)


@pytest.fixture
def give(givers, reader, tmp_path):
    """A function that makes what a page takes for granted: files, and runs."""

    def make(given):
        for name, write in givers.items():
            if re.search(rf"(?<![\w./]){re.escape(name)}", given):
                write(tmp_path)
        for config in re.findall(r"run of (configs/[\w/]+\.yaml)", given):
            subprocess.run(["lit_prune", "fit", "--config", config], cwd=tmp_path, env=reader, check=True)

    return make


@pytest.mark.parametrize("page", list(stories()))
def test_a_page_runs_from_its_first_block_to_its_last(page, give, reader, tmp_path, tmp_path_factory, request):
    give(read_given(page))
    blocks = tmp_path_factory.mktemp("story") / "blocks.json"
    blocks.write_text(json.dumps(as_story(title(page), read_blocks(page))))
    story = request.config.rootpath / TOY_SIZE / "story.py"
    told = subprocess.run(
        [sys.executable, story, blocks],
        cwd=tmp_path,
        env=reader,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert told.returncode == 0, told.stdout


def test_the_package_of_a_story_is_the_installed_one(reader, installed, tmp_path):
    code = "import lit_prune; print(lit_prune.__file__)"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=tmp_path, env=reader, check=True, text=True, stdout=subprocess.PIPE)
    assert told.stdout == f"{installed}/lit_prune/__init__.py\n"
