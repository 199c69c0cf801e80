"""Imported by every Python process that has this folder on its path: runs of `lit_prune` there are toy-sized."""

import json
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # toys


class ToySize(MetaPathFinder):
    """A finder of the modules that decide the size of a run or a benchmark, which patches them once they are loaded."""

    def find_spec(self, name, path, target=None):
        patch = PATCHES.get(name)
        spec = PathFinder.find_spec(name, path) if patch else None
        if spec is not None:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (load(module), patch(module))
        return spec


def shrink_runs(module):
    """Have `fit` and all that calls it resolve its arguments to a run of few examples and steps."""
    resolve = module.PruneCLI.resolve

    def resolve_small(self, arguments):
        from toys import shrink_page  # not above: imports torch

        config = resolve(self, arguments)
        small = shrink_page(json.loads(self.parser.dump(config, format="json"))["fit"])
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(small, file)
            file.flush()
            return resolve(self, ["fit", f"--config={file.name}"])

    module.PruneCLI.resolve = resolve_small


def replace_bundled(module):
    """Have the bundled encoder be a tiny one."""
    module.bundled_path = lambda: Path(os.environ["TOY_ENCODER"])


def shrink_benchmarks(module):
    """Have `bench inference` and `bench density` measure small batches, the latter of random BERTs of one layer."""
    workload = module.Workload

    def small_workload(batch, length, precisions, repeats, device):
        full = workload(batch, length, precisions, repeats, device)  # raises its errors
        return replace(full, batch=min(batch, 2), length=min(length, 16), repeats=1)

    def small_bert(make, layers, hidden, length, *pruned):
        return make(1, 64, length, *(min(each, 32) for each in pruned))

    module.Workload = small_workload
    module.measure = partial(_without_memory, module.measure)
    for name in ("dense_bert", "low_rank_bert", "sparse_bert"):
        setattr(module, name, partial(small_bert, getattr(module, name)))


def accept_any_teacher(module):
    """Have a teacher of few steps teach."""
    module.MARGIN = -1.0


def _without_memory(measure, makers, workload, memory=False):
    """Measure all but the peak memory, which takes a fresh process for each encoder and precision."""
    return measure(makers, workload)


PATCHES = {
    "lit_prune.fitting.cli": shrink_runs,
    "lit_prune.encoders.bundled": replace_bundled,
    "lit_prune.commands.bench": shrink_benchmarks,
    "lit_prune.paradigms.teacher": accept_any_teacher,
}
sys.meta_path.insert(0, ToySize())
