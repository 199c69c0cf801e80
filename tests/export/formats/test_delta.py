"""What a tuned run changed, over what it began with."""

import json
import math

import pytest
import torch
from transformers import BertConfig, BertModel

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.formats.delta import changes, pack_delta
from lit_prune.export.tensor_files import load_tensors, save_tensors
from lit_prune.export.trained import Base, read_run
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.install import dense_state_dict, masks_by_task
from lit_prune.tuning.select import select_entries


@pytest.fixture(scope="module")
def tuned(four_kinds, finished):
    """A run of several tasks that tuned a hundredth of the entries."""
    share = ("--config", four_kinds, "--model.init_args.method.init_args.share=0.01", "--model.init_args.tune.steps=10")
    return finished(*share, config="configs/sam.yaml", name="tuned")


@pytest.fixture
def state(tuned):
    return read_checkpoint(tuned / "checkpoints" / "best.ckpt")["state_dict"]


@pytest.mark.parametrize("over", ["run", "backbone"])
def test_the_backbone_and_the_delta_are_the_trained_model(tuned, state, export, tiny_backbone, over):
    folder = export(tuned, "delta")
    base = {"run": tuned, "backbone": tiny_backbone}[over]
    model = lit_prune.load(folder, base=base, task="similarity")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.task == "similarity"


def test_it_holds_the_changed_entries_and_the_heads_alone(tuned, export, tmp_path):
    tensors, _ = load_tensors(export(tuned, "delta") / "delta.safetensors")
    num = sum(value.numel() for name, value in tensors.items() if name.endswith(".values"))
    assert 0 < num <= json.loads((tuned / "metrics.json").read_text())["tuned"]
    assert "entries are tuned" in (tmp_path / "delta" / "README.md").read_text()
    assert all(name.startswith("heads.") or name.endswith((".changed", ".values")) for name in tensors)


def test_half_precision_changes_no_further_entry(tuned, state, export, tiny_backbone):
    model = lit_prune.load(export(tuned, "delta", "--dtype", "float16"), tiny_backbone)
    base = read_checkpoint(tuned / "checkpoints" / "dense.ckpt")["state_dict"]
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name], atol=1e-2, rtol=1e-3)
        if name.startswith("encoder."):
            assert torch.equal(value[state[name] == base[name]], base[name][state[name] == base[name]])


def test_another_base_is_refused(tuned, finished_dense_run, tiny_roberta, export):
    folder = export(tuned, "delta")
    named = r"base must be the model that the delta is over, got .*: give .* \(hash [0-9a-f]{12}"
    for other in (finished_dense_run / "checkpoints" / "best.ckpt", tiny_roberta):
        with pytest.raises(UserError, match=named):
            lit_prune.load(folder, base=other)


def test_a_run_that_tuned_no_share_has_no_delta(finished_run, tmp_path, capsys):
    assert main(["export", str(finished_run), "--format", "delta", "--out", str(tmp_path / "out")]) == 2
    assert "tuned no share of its entries" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_tuned_run_is_exported_dense_too(tuned, tmp_path, state):
    out = tmp_path / "dense"
    assert main(["export", str(tuned), "--format", "dense", "--task", "nli", "--out", str(out)]) == 0
    assert all(torch.equal(value, state[name]) for name, value in lit_prune.load(out).state_dict().items())
    assert main(["export", str(tuned), "--format", "masks", "--out", str(tmp_path / "masks")]) == 2


@pytest.fixture(scope="module")
def pruned(finished_run, finished):
    """A run that tuned what a pruned one has left."""
    start = f"--model.init_args.start_from={finished_run}/checkpoints/best.ckpt"
    return finished(start, "--model.init_args.tune.steps=10", config="configs/sam.yaml", name="over_pruned")


def test_over_a_packed_model_the_zeros_stay(pruned, finished_run, export):
    folder, base = export(pruned, "delta"), export(finished_run, "packed")
    model = lit_prune.load(folder, base=base)
    expected = dense_state_dict(read_run(pruned, None).model)
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    before = lit_prune.load(base).state_dict()
    for name in masks_by_task(read_run(pruned, None).model)[""]:
        assert not model.state_dict()[name][before[name] == 0].any() or name.startswith("heads.")
    assert "lit_prune.load(FOLDER, base=RUN)" in (folder / "README.md").read_text()
    with pytest.raises(
        UserError,
        match=r"base must be the model that the delta is over, got none: .* that over_pruned, seed \d+ started from",
    ):
        lit_prune.load(folder)


@pytest.fixture(scope="module")
def singles(four_kinds, finished):
    """Runs of one task each that tuned the same backbone."""
    share = ("--model.init_args.method.init_args.share=0.01", "--model.init_args.tune.steps=10")
    return {
        task: finished(
            "--config", four_kinds, f"--data.only=[{task}]", *share, config="configs/sam.yaml", name=f"of_{task}"
        )
        for task in ("nli", "reading", "similarity")
    }


def test_deltas_of_several_tasks_are_swapped_over_one_base(singles, tmp_path, tiny_backbone):
    folders = []
    for task, run in singles.items():
        folders.append(tmp_path / task)
        assert main(["export", str(run), "--format", "delta", "--out", str(folders[-1])]) == 0
    model = lit_prune.load(folders, tiny_backbone)
    assert model.task == "nli"
    for task in ("reading", "nli", "similarity", "similarity", "reading"):
        alone = lit_prune.load(tmp_path / task, tiny_backbone).state_dict()
        swapped = model.use(task).state_dict()
        assert all(torch.equal(swapped[name], value) for name, value in alone.items())
    assert lit_prune.load(folders, tiny_backbone, task="reading").task == "reading"


def test_folders_that_do_not_go_together_are_named(singles, finished_run, pruned, tmp_path, export):
    for name, run in (("one", singles["nli"]), ("other", singles["nli"]), ("over", pruned)):
        assert main(["export", str(run), "--format", "delta", "--out", str(tmp_path / name)]) == 0
    packed = export(finished_run, "packed")
    for folders, named in (
        (["one", "other"], "different tasks, got 'nli' twice"),
        (["one", "over"], "must have the base of"),
        (["one", packed], "must be a delta to be loaded with other folders, got packed"),
    ):
        with pytest.raises(UserError, match=named):
            lit_prune.load([tmp_path / each for each in folders])


def test_adapters_are_part_of_a_delta_but_of_no_plain_model(finished, export, tmp_path, tiny_backbone, capsys):
    settings = ("--config=configs/tuning/adapter.yaml", "--model.init_args.tune.steps=10")
    run = finished(*settings, "--experiment=adapted", config="configs/sam.yaml", name="adapted")
    expected = read_run(run, None).model.state_dict()
    assert any(".adapter." in name for name in expected)
    for form in ("delta", "packed"):
        model = lit_prune.load(export(run, form), tiny_backbone if form == "delta" else None)
        assert model.state_dict().keys() == expected.keys()
        assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "dense")]) == 2
    assert "it has adapters, which transformers' models lack" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["sam", "lora", "adapter"])
def test_a_delta_over_ranks_is_over_what_the_pruned_run_is(finished_rank_run, finished, export, tmp_path, method):
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    overlay = () if method == "sam" else (f"--config=configs/tuning/{method}.yaml", f"--experiment={method}_ranks")
    brief = (start, "--model.init_args.tune.steps=10", "--trainer.val_check_interval=5")
    run = finished(*overlay, *brief, config="configs/sam.yaml", name=f"{method}_ranks")
    expected = read_run(run, None).model
    folder = export(run, "delta")
    assert not (folder / "adapter_model.safetensors").exists()
    for base in (finished_rank_run, export(finished_rank_run, "packed"), export(finished_rank_run, "lowrank")):
        model = lit_prune.load(folder, base=base)
        assert all(torch.equal(value, expected.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(UserError, match="base must be the model that the delta is over, got "):
        lit_prune.load(folder, base=export(finished_rank_run, "dense"))
    inputs = model.encoder.tokenizer(["a b c", "d e"], ["f", "g h"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        for form in ("packed", "lowrank"):
            out = tmp_path / f"of_{form}"
            assert main(["export", str(run), "--format", form, "--out", str(out)]) == 0
            found = lit_prune.load(out)
            torch.testing.assert_close(found(**inputs).logits, expected(**inputs).logits, atol=1e-5, rtol=1e-4)


def test_loras_delta_is_its_factors_and_the_head(lora_runs, export, tmp_path, tiny_backbone):
    trained = read_run(lora_runs["nli"], None)
    expected = trained.model.state_dict()
    folder = export(lora_runs["nli"], "delta")
    tensors, _ = load_tensors(folder / "delta.safetensors")
    assert sum(value.numel() for name, value in tensors.items() if "lora_" in name) == trained.metrics["tuned"]
    assert all(name.startswith("heads.") or name.endswith((".lora_A", ".lora_B")) for name in tensors)
    model = lit_prune.load(folder, tiny_backbone)
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    half = ["export", str(lora_runs["nli"]), "--format", "delta", "--dtype", "float16", "--out", str(tmp_path / "half")]
    assert main(half) == 0
    for name, value in lit_prune.load(tmp_path / "half", tiny_backbone).state_dict().items():
        torch.testing.assert_close(value, expected[name], atol=1e-2, rtol=1e-3)


def test_a_delta_of_merged_matrices_as_0_1_0_wrote_it_is_read(lora_runs, export, tiny_backbone):
    trained = read_run(lora_runs["nli"], None)
    expected = trained.model.state_dict()
    folder = export(lora_runs["nli"], "delta")
    _, metadata = load_tensors(folder / "delta.safetensors")
    base = read_checkpoint(lora_runs["nli"] / "checkpoints" / "dense.ckpt")["state_dict"]
    tensors, texts = pack_delta(expected, base, trained.base, factors={})
    kept = {name: value for name, value in metadata.items() if "alpha" not in name}
    save_tensors(tensors, folder / "delta.safetensors", kept | texts)
    assert any(name.endswith(".changed") for name in tensors)
    model = lit_prune.load(folder, tiny_backbone)
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_loras_of_several_tasks_are_swapped_over_one_base(lora_runs, singles, tmp_path, tiny_backbone):
    folders = {}
    runs = {task: lora_runs[task] for task in ("nli", "similarity")} | {"reading": singles["reading"]}
    for task, run in runs.items():
        folders[task] = tmp_path / task
        assert main(["export", str(run), "--format", "delta", "--out", str(folders[task])]) == 0
    model = lit_prune.load(list(folders.values()), tiny_backbone)
    for task in ("nli", "similarity", "reading", "nli", "nli", "reading", "similarity"):
        alone = lit_prune.load(folders[task], tiny_backbone).state_dict()
        swapped = model.use(task).state_dict()
        assert all(torch.equal(swapped[name], value) for name, value in alone.items())


@pytest.mark.slow
def test_half_a_percent_of_bert_base_takes_little_more_than_its_entropy(tmp_path):
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {
            f"encoder.backbone.{name}": value.shape for name, value in BertModel(BertConfig()).state_dict().items()
        }
    base = {name: torch.zeros(shape) for name, shape in shapes.items()}
    scores = {name: torch.rand(shape) for name, shape in shapes.items()}
    state, num_tuned, entropy = {}, 0, 0.0
    for name, index in select_entries(scores, 0.005, "tensor").items():
        state[name] = base[name].flatten().index_fill(0, index, 1.0).view(shapes[name])
        num_tuned += len(index)
        share = max(len(index) / base[name].numel(), 1e-12)
        entropy -= base[name].numel() * (share * math.log2(share) + (1 - share) * math.log2(1 - share)) / 8
    tensors, texts = pack_delta(state, base, Base("BERT-base", "bert-base-uncased"), {})
    save_tensors(tensors, tmp_path / "delta.safetensors", texts)
    size = (tmp_path / "delta.safetensors").stat().st_size
    assert 4 * num_tuned + entropy < size < min(3.3e6, 1.03 * (4 * num_tuned + entropy))
    found = changes(*load_tensors(tmp_path / "delta.safetensors"))
    for name, (index, values) in found.items():
        assert torch.equal(index, state[name].flatten().nonzero().flatten())
        assert torch.equal(values, torch.ones(len(index)))
    assert sum(len(index) for index, _ in found.values()) == num_tuned
    print(f"{size / 1e6:.3f} MB, {num_tuned} entries, limit {(4 * num_tuned + entropy) / 1e6:.3f} MB")
