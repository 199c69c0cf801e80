"""The dense model that a run begins with."""

import json

from lit_prune.checkpoints import read_checkpoint


def test_a_phase_without_steps_is_left_out_and_the_model_evaluated(experiment):
    code, run = experiment("--model.init_args.dense.steps=0")
    assert code == 0
    assert read_checkpoint(run / "checkpoints" / "dense.ckpt")["global_step"] == 0
    values = json.loads((run / "metrics.json").read_text())
    assert (values["dense/step"], values["steps"]) == (0, 20)
    assert "dense/nli/ood/accuracy" in values


def test_a_run_of_no_steps_is_an_error(experiment, capsys):
    code, _ = experiment("--model.init_args.dense.steps=0", config="configs/dense.yaml")
    assert code == 2
    assert "the last phase, 'dense', has no step" in capsys.readouterr().err
