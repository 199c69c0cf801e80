"""Folders of runs and studies are data: commands that read them import, open and embed nothing else."""

import base64
import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import pytest
import yaml
from records import Study, numbers

import lit_prune
from lit_prune.cli import main
from lit_prune.data import GeneratedNli

SECRET = "a secret beside the study"
HOSTILE = (
    "![x](../secret.png) [x](javascript:alert(1)) <img src=http://a.b/c.png> [red]\x1b]8;;http://a.b\x1b\\ "
    "\\input{/etc/passwd}"
)

_watching: list[tuple[str, str]] | None = None


def _hook(event, arguments):
    if _watching is not None and event in ("open", "import", "os.system", "subprocess.Popen", "socket.connect"):
        _watching.append((event, str(arguments[0])))


sys.addaudithook(_hook)


@contextmanager
def watched():
    """What is opened, imported and started meanwhile."""
    global _watching
    _watching = seen = []
    try:
        yield seen
    finally:
        _watching = None


@pytest.fixture
def hostile_module(tmp_path, monkeypatch):
    """A module that can be imported and tells when it is."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/hostile_rows.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'imported')!r}).touch()\n"
        "def read(path): return iter(())\nclass Rows: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield "hostile_rows"
    sys.modules.pop("hostile_rows", None)


@pytest.fixture
def changed(plain_run, tmp_path):
    """A function: what to change of the configuration in place -> a copy of a run that has it, checksums and all."""

    def change(edit):
        run = tmp_path / "run"
        shutil.copytree(plain_run, run, ignore=shutil.ignore_patterns("checksums.json", "events*"))
        config = yaml.safe_load((run / "config.yaml").read_text())
        edit(config)
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        return run

    return change


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    generated = GeneratedNli(bias_rate=0.9, num_train=20, num_eval=10).rows("id", None)
    path.write_text("".join(json.dumps(row) + "\n" for row in generated))
    return path


def _reader(config):
    source = {"class_path": "lit_prune.data.sources.given.GivenLayout", "init_args": {"files": {"id": "/etc/passwd"}}}
    source["init_args"]["read"] = "hostile_rows.read"
    config["data"]["tasks"][0]["init_args"]["source"] = source


def _classes(config):
    task = config["data"]["tasks"][0]
    task["class_path"] = "hostile_rows.Rows"
    task["init_args"] |= {name: {"class_path": "hostile_rows.Rows"} for name in ("source", "bias", "loss")}
    config["model"]["class_path"] = "hostile_rows.Rows"
    config["trainer"]["callbacks"] = [{"class_path": "hostile_rows.Rows"}]
    config["encoder"]["config"] = {"_attn_implementation": "sdpa"}


def commands(run, rows, out):
    """The command lines that read a run."""
    return [
        ["predict", run, "--split", "id", "--out", f"{out}/own.csv"],
        ["predict", run, "--file", rows, "--out", f"{out}/given.csv"],
        ["test", run, "--files", f"id={rows}", "--out", f"{out}/tested"],
        ["export", run, "--format", "packed", "--out", f"{out}/packed"],
        ["stability", "pointwise", run, run],
        ["compare", run, "--out", f"{out}/compared"],
        ["report", run],
    ]


def outside(seen, *own):
    """What was opened that is neither of the environment (package, libraries, system, caches) nor below these.

    Tests allow the backbone that a run names: of it alone, wherever it lies, configuration and tokenizer are read.
    """
    environment = [Path(lit_prune.__file__).parents[1], sys.prefix, sys.base_prefix, *filter(None, sys.path)]
    environment += ["/proc", "/sys", "/dev", "/usr", "/lib", "/etc/ld.so.cache", Path.home() / ".cache"]
    environment += [os.environ["HF_HOME"], matplotlib.get_cachedir(), matplotlib.get_configdir()]
    allowed = [Path(each).resolve() for each in (*environment, *own)]
    opened = {Path(path).resolve() for event, path in seen if event == "open" and not path.isdecimal()}
    return [str(path) for path in opened if not any(path.is_relative_to(each) for each in allowed)]


def _own_files(paths, root):
    """A function that makes a configuration read its rows from these paths below a root."""

    def edit(config):
        spec = {"columns": {"text_a": "text", "label": "label"}, "labels": {"0": "entailment"}, "paths": paths}
        source = {"class_path": "lit_prune.data.Files", "init_args": {"splits": {"train": spec, "id": spec}}}
        config["data"]["tasks"][0]["init_args"]["source"] = source
        config["data"] |= {"root": root, "perturbation": {"share": 0.5, "seed": 1}}

    return edit


def test_a_run_names_no_file_that_a_command_reads(changed, tmp_path, tiny_backbone, capsys):
    (tmp_path / "secret.csv").write_text(f"text,label\n{SECRET},0\n")
    (tmp_path / "root").mkdir()
    run = changed(lambda config: None)
    own = ["predict", str(run), "--split", "id", "--out", str(tmp_path / "own.csv")]
    for paths in (["secret.csv"], ["../secret.csv"], [str(tmp_path / "secret.csv")]):
        config = yaml.safe_load((run / "config.yaml").read_text())
        _own_files(paths, str(tmp_path))(config)
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        for command in (own, ["stability", "pointwise", str(run), str(run)]):
            for root in ([], ["--root", str(tmp_path / "root")]):
                with watched() as seen:
                    assert main([*command, *root]) == 2
                assert outside(seen, run, tmp_path / "root", tiny_backbone) == []
                error = capsys.readouterr().err
                assert re.search(r"--root|/root must contain secret\.csv", error)
                assert root or f"--root must be the folder of the run's files (it was {tmp_path}): pass it" in error
    _own_files(["secret.csv"], None)(config)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert main([*own, "--root", str(tmp_path)]) == 0  # the user's own word


@pytest.mark.parametrize("edit", [_reader, _classes])
def test_no_command_imports_what_a_run_names(changed, hostile_module, rows, tmp_path, tiny_backbone, edit, capsys):
    run, out = changed(edit), tmp_path / "out"
    out.mkdir()
    codes = {}
    with watched() as seen:
        for command in commands(run, rows, out):
            codes[command[0], command[2] if len(command) > 2 else ""] = main([str(each) for each in command])
    assert not (tmp_path / "imported").exists()
    assert not [each for each in seen if "hostile" in each[1] and each[0] != "open"]
    assert not [each for each in seen if each[0] in ("os.system", "socket.connect")]
    assert codes["predict", "--split"] == 2  # its own rows can't be had
    assert codes["test", "--files"] == codes["compare", "--out"] == codes["report", ""] == 0  # its model can
    assert "Traceback" not in capsys.readouterr().err
    assert outside(seen, run, out, rows, tiny_backbone) == []


def test_of_the_backbone_that_a_run_names_configuration_and_tokenizer_are_read_and_no_code(
    changed, hostile_module, rows, tmp_path, tiny_backbone, capsys
):
    backbone = tmp_path / "backbone"
    shutil.copytree(tiny_backbone, backbone)
    (backbone / "hostile_rows.py").write_text((tmp_path / "modules/hostile_rows.py").read_text())
    (backbone / "pytorch_model.bin").write_bytes((backbone / "model.safetensors").read_bytes())
    for name, classes in {
        "config.json": "hostile_rows.Rows",
        "tokenizer_config.json": ["hostile_rows.Rows"] * 2,
    }.items():
        settings = json.loads((backbone / name).read_text())
        settings["auto_map"] = dict.fromkeys(("AutoConfig", "AutoModel", "AutoTokenizer"), classes)
        settings["vocab_file"] = settings["tokenizer_file"] = str(tmp_path / "secret")
        (backbone / name).write_text(json.dumps(settings))
    run, out = changed(lambda config: config["encoder"].update(backbone=str(backbone))), tmp_path / "out"
    out.mkdir()
    for command in commands(run, rows, out)[:4]:
        with watched() as seen:
            assert main([str(each) for each in command]) == 0, capsys.readouterr().err
        assert not (tmp_path / "imported").exists()
        assert outside(seen, run, out, rows, backbone) == []
        opened = {Path(path).name for event, path in seen if event == "open" and path.startswith(str(backbone))}
        assert {"config.json", "tokenizer.json"} <= opened <= {path.name for path in backbone.glob("*.json")}


def test_a_run_with_kernels_of_others_is_refused(changed, rows, tmp_path, capsys):
    run = changed(lambda config: config["encoder"].update(config={"_attn_implementation": "someone/kernel"}))
    for command in commands(run, rows, tmp_path)[:5]:
        assert main([str(each) for each in command]) == 2
        error = capsys.readouterr().err
        assert "encoder.config._attn_implementation must be one of eager, sdpa" in error


def _linked(run, name, elsewhere):
    """Move a file or folder of a run elsewhere, and leave a link to it."""
    elsewhere.mkdir()
    shutil.move(run / name, elsewhere / Path(name).name)
    (run / name).symlink_to(elsewhere / Path(name).name)


# A file or folder of a run -> the commands whose error names it.
NEEDED_BY = {
    "config.yaml": {"predict", "test", "export", "stability"},
    "run.json": {"predict", "test", "export", "stability"},
    "metrics.json": {"predict", "test", "export", "stability"},
    "checksums.json": {"predict", "test", "export", "stability", "compare"},
    "checkpoints": {"predict", "test", "export", "stability"},
    "checkpoints/best.ckpt": {"predict", "test", "export", "stability"},
    "checkpoints/dense.ckpt": {"predict", "test", "export", "stability"},
    "checkpoints/last.ckpt": set(),
    "masks.safetensors": {"compare"},
    "predictions.parquet": set(),
    "dense_predictions.parquet": set(),
}


@pytest.mark.parametrize("name", NEEDED_BY)
def test_a_link_in_a_run_is_not_followed(changed, rows, tmp_path, tiny_backbone, name, capsys):
    run, out = changed(lambda config: None), tmp_path / "out"
    out.mkdir()
    (run / "checksums.json").write_text("{}")
    _linked(run, name, tmp_path / "elsewhere")
    for command in commands(run, rows, out):
        with watched() as seen:
            code = main([str(each) for each in command])
        error = capsys.readouterr().err
        assert outside(seen, run, out, rows, tiny_backbone) == []
        if command[0] in NEEDED_BY[name]:
            assert code == 2, command
            kind = "folder of its run" if name == "checkpoints" else "file of its folder"
            assert f"{run / name} must be a {kind}, got a link" in error


@pytest.mark.parametrize("name", ["config.yaml", "run.json", "checksums.json", "checkpoints", "checkpoints/last.ckpt"])
def test_a_run_with_a_link_is_not_resumed(changed, tmp_path, tiny_backbone, name, capsys):
    run = changed(lambda config: None)
    (run / "metrics.json").unlink()
    (run / "checksums.json").write_text("{}")
    _linked(run, name, tmp_path / "elsewhere")
    with watched() as seen:
        assert main(["fit", "--resume", str(run)]) == 2
    assert outside(seen, run, tiny_backbone) == []
    assert f"{run / name} must be a f" in capsys.readouterr().err


PLUGIN = """
from lit_prune.data import GeneratedNli, Task
from lit_prune.data.sources.source import Source

class Rows(Source):
    def __init__(self, num_eval: int = 10) -> None:
        self.own = GeneratedNli(bias_rate=0.9, num_train=20, num_eval=num_eval)
    def available(self, root): return self.own.available(root)
    def fingerprint(self, split, root): return {"own": self.own.fingerprint(split, root)}
    def rows(self, split, root): return self.own.rows(split, root)

class Nli(Task):
    def __init__(self, name: str, labels: list[str], source: Source, positive: str | None = None,
                 merge: dict[str, str] | None = None, note: str = "") -> None:
        super().__init__(name, labels, source, positive=positive, merge=merge)
        self.note = note
"""


def test_classes_of_a_module_that_the_user_names_are_used(changed, rows, tmp_path, monkeypatch, capsys):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/own_nli.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "modules")

    def edit(config):
        (task,) = config["data"]["tasks"]
        task["class_path"] = "own_nli.Nli"
        task["init_args"] = {name: task["init_args"][name] for name in ("name", "labels", "positive", "merge")}
        task["init_args"] |= {"note": "mine", "source": {"class_path": "own_nli.Rows", "init_args": {"num_eval": 7}}}

    run = str(changed(edit))
    assert main(["predict", run, "--split", "id", "--out", str(tmp_path / "a.csv")]) == 2
    assert "unknown source own_nli.Rows" in capsys.readouterr().err
    plugins = ["--plugins", "own_nli"]
    assert main(["predict", run, "--split", "id", "--out", str(tmp_path / "a.csv"), *plugins]) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 8
    assert main(["test", run, "--files", f"id={rows}", *plugins]) == 0
    assert main(["export", run, "--format", "packed", "--out", str(tmp_path / "packed"), *plugins]) == 0
    assert type(lit_prune.load(tmp_path / "packed").tasks["nli"]).__name__ == "Task"
    capsys.readouterr()
    assert main(["test", run, "--files", f"id={rows}", "--plugins", "not_there_at_all"]) == 2
    assert "--plugins must name modules that can be imported, got not_there_at_all" in capsys.readouterr().err
    sys.modules.pop("own_nli", None)


class Seen(HTMLParser):
    """What a browser would find."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, name, value) for name, value in attrs if name in ("src", "href") or name.startswith("on")]


def test_a_report_with_hostile_names_shows_them_and_nothing_else(tmp_path, capsys):
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1800).to_bytes(4) + (900).to_bytes(4) + SECRET.encode()
    (tmp_path / "secret.png").write_bytes(picture)
    (tmp_path / "secret.json").write_text(json.dumps({"nli/id/accuracy": 0.123, "sparsity": 0.5}))
    (tmp_path / "study").mkdir()
    study = Study(tmp_path / "study")
    for seed in (1, 2):
        study.add(f"good{seed}", numbers(0.9, 0.6), loss=HOSTILE, commit=HOSTILE, version=HOSTILE, seed=seed)
    study.add("bad", status="failed", error=HOSTILE, loss="x", seed=1)
    study.runs += [
        {"name": "out", "folder": "../", "axes": {}, "status": "completed", "error": None},
        {"name": "link", "folder": "linked", "axes": {}, "status": "completed", "error": None},
        {
            "name": HOSTILE,
            "folder": "good1/version_0",
            "axes": {"loss": "y", "seed": 3},
            "status": "completed",
            "error": None,
        },
    ]
    (study.folder / "runs.json").write_text(json.dumps(study.runs))
    (study.folder / "linked").symlink_to(tmp_path)
    (study.folder / "good2/version_0/predictions.parquet").symlink_to(tmp_path / "secret.png")
    figure = {"name": "fig", "x": "seed", "lines": "loss", "metrics": ["nli/ood/accuracy"]}
    study.define(title=HOSTILE, reference={"loss": HOSTILE}, figures=[figure])
    with watched() as seen:
        code = main(["report", str(study.folder)])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert outside(seen, study.folder) == []
    page = (study.folder / "report.html").read_text()
    assert base64.b64encode(picture).decode()[:40] not in page
    assert SECRET not in page
    found = Seen()
    found.feed(page)
    for tag, name, value in found.found:
        assert (tag, name) in (("img", "src"), ("a", "href"))
        assert re.fullmatch(r"data:image/png;base64,[\w+/=]+" if tag == "img" else r"[\w%./-]+/", value), value
    assert page.count("<img ") == 1
    report = (study.folder / "report.md").read_text()
    assert not re.search(r"(?<!\\)\]\((?!figures/fig\.png)", report)
    assert "<img" not in report
    assert r"\input{" not in (study.folder / "tables.tex").read_text()
    assert "\x1b" not in told.out + report + page
    assert "[red]" in told.out


def test_figures_are_not_drawn_through_a_link(tmp_path, capsys):
    (tmp_path / "study").mkdir()
    study = Study(tmp_path / "study")
    study.add("one", numbers(0.9, 0.6), seed=1)
    (study.folder / "figures").symlink_to(tmp_path)
    assert main(["report", str(study.folder)]) == 2
    assert "figures must be a file or folder of the study, got a link" in capsys.readouterr().err
