"""Every page is one story: its blocks run in order, in one empty folder, with the installed wheel, at toy size.

Text directly below a block of Python is what the block prints. Toy size (`toys.shrink_page`, toy_size/sitecustomize.py)
changes a run after its arguments are resolved as a reader's are:

- the bundled encoder, and those of the hub, are a random BERT of a few layers;
- a phase has 2 optimizer steps, that of a dense model 120 at a learning rate of 0.001; a warm-up in steps has at most 1;
- generated data have 48 examples for training and 16 a set; `data.root FOLDER`, and data of the hub, are letters;
- batches have at most 8 examples of 32 tokens, `num_train` is at most 48, and the usual validation share is a quarter;
- masks are updated in each step where the method sets `every`, by gradients of at most 2 batches;
- benchmarks have at most 2 texts of 16 tokens, 1 repeat, and one layer of width 64 in place of random BERTs.

Other values that a page sets are applied as they are.
"""

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
        for configs in re.findall(r"run of (configs/[\w/]+\.yaml(?: with configs/[\w/]+\.yaml)*)", given):
            files = [f"--config={config}" for config in configs.split(" with ")]
            subprocess.run(["lit_prune", "fit", *files], cwd=tmp_path, env=reader, check=True)

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
