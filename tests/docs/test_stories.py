"""Every page is one story: its blocks run in order, in one empty folder, with the installed wheel, at toy size.

Text directly below a block of Python is what the block prints. Toy size (`toys.shrink_page`, toy_size/sitecustomize.py)
changes a run after its arguments are resolved as a reader's are:

- the bundled encoder, and those of the hub, are a random BERT of a few layers;
- a phase has 2 optimizer steps, that of a dense model 120 at a rate of 0.001; a warm-up in steps has at most 1;
- generated data have 48 examples for training and 16 a set; `data.root FOLDER`, and data of the hub, are letters;
- batches have at most 8 examples of 32 tokens, `num_train` is at most 32, and the usual validation share is a quarter;
- masks are updated in each step where the method sets `every`, by gradients of at most 2 batches;
- benchmarks have at most 2 texts of 16 tokens, 1 repeat, no peak memory, and BERTs of one layer of width 64.

Other values that a page sets are applied as they are.
"""

import json
import re
import subprocess
import sys

import pytest
from fixtures.pages import TOY_SIZE, as_story
from pages import PAGES, read_blocks, read_given, title
from toys import shrink_page

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


def run_story(story, blocks, folder, **options):
    """Run the blocks of a file as a story in a folder; returns its process, with all that it prints."""
    told = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run([sys.executable, story, blocks], cwd=folder, **told, **options)


@pytest.mark.parametrize("page", list(stories()))
def test_a_page_runs_from_its_first_block_to_its_last(page, give, reader, tmp_path, tmp_path_factory, request):
    give(read_given(page))
    blocks = tmp_path_factory.mktemp("story") / "blocks.json"
    blocks.write_text(json.dumps(as_story(title(page), read_blocks(page))))
    told = run_story(request.config.rootpath / TOY_SIZE / "story.py", blocks, tmp_path, env=reader)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(("shown", "code"), [("1.5\n", 0), ("1.6\n", 1)])
def test_text_below_a_block_of_python_is_what_it_prints(shown, code, tmp_path, request):
    page = tmp_path / "page.md"
    page.write_text(f"```python\nprint(1.5)\n```\n\n```text\n{shown}```\n")
    blocks = tmp_path / "blocks.json"
    blocks.write_text(json.dumps(as_story("page.md", read_blocks(page))))
    assert run_story(request.config.rootpath / TOY_SIZE / "story.py", blocks, tmp_path).returncode == code


def test_text_that_is_an_example_is_not_compared(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1.5)\n```\n\n<!-- example output -->\n```text\n1.6\n```\n")
    assert [block["printed"] for block in as_story("page.md", read_blocks(page))] == [None]


def test_toy_size_keeps_settings_that_cost_nothing(resolve):
    arguments = ["--config=configs/dense.yaml", "--data.batch_size=4", "--data.validation_fraction=0.1"]
    phase = ["--model.init_args.dense.warmup=0.2", "--model.init_args.dense.length=950 steps"]
    small = shrink_page(resolve([*arguments, *phase]))
    assert (small["data"]["batch_size"], small["data"]["validation_fraction"]) == (4, 0.1)
    dense = small["model"]["init_args"]["dense"]
    assert (dense["warmup"], dense["length"]) == (0.2, "120 steps")


@pytest.mark.parametrize(("root", "kind"), [("FOLDER", "toys.Few"), (".", "lit_prune.data.Files")])
def test_rows_are_made_up_for_a_placeholder_alone(root, kind, resolve):
    arguments = ["--config=configs/srnet_ce.yaml", "--config=configs/data/mnli_files.yaml", f"--data.root={root}"]
    (task,) = shrink_page(resolve(arguments))["data"]["tasks"]
    assert task["init_args"]["source"]["class_path"] == kind


def test_the_package_of_a_story_is_the_installed_one(reader, installed, tmp_path):
    code = "import lit_prune; print(lit_prune.__file__)"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=tmp_path, env=reader, check=True, text=True, stdout=subprocess.PIPE)
    assert told.stdout == f"{installed}/lit_prune/__init__.py\n"
