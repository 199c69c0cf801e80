"""Arguments that resume a run in its folder, from `--resume RUN` or for a requeued SLURM job."""

import sys
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn

from lit_prune.data.configured import setting
from lit_prune.errors import UserError
from lit_prune.files import check_no_link, check_undamaged
from lit_prune.fitting.cli import LOGS, logger_place, make_resolver
from lit_prune.fitting.requeue import begun_before_requeue, was_requeued
from lit_prune.fitting.upgraded import as_argument
from lit_prune.limits import parse_yaml
from lit_prune.runs.checkpoints import check_checkpoints
from lit_prune.runs.recorded import read_record
from lit_prune.runs.upgrade import upgrade_run, warn_if_old


def requeued(arguments: list[str]) -> list[str]:
    """Return arguments that resume the run of a requeued SLURM job, otherwise the arguments unchanged."""
    if not was_requeued() or any(each.split("=")[0] == "--resume" for each in arguments):
        return arguments
    config = make_resolver()(arguments)
    run = begun_before_requeue(Path(config["trainer"].get("default_root_dir") or LOGS) / config["experiment"])
    return arguments if run is None else ["--resume", str(run)]


def resumed(arguments: list[str]) -> tuple[list[str], Path | None]:
    """Replace `--resume RUN` by the run's configuration, and return the arguments and the run's folder."""
    if any(each.split("=")[0] == "--ckpt_path" for each in arguments):
        raise UserError("--ckpt_path must be left out, as it loses the best model so far: use --resume RUN")
    places = [number for number, each in enumerate(arguments) if each.split("=")[0] == "--resume"]
    if not places:
        return arguments, None
    place = places[-1]
    _, equals, value = arguments[place].partition("=")
    rest = arguments[place + 1 :]
    if not equals:
        if not rest:
            raise UserError("--resume must be the folder of a run, got none: name logs/<experiment>/version_<n>")
        value, *rest = rest
    run = Path(value)
    config = run / "config.yaml"
    if not config.is_file():
        raise UserError(
            f"--resume must be the folder of a run, got {value} without config.yaml: name logs/<experiment>/version_<n>"
        )
    check_no_link(config)
    record = read_record(run)
    warn_if_old(run, record)
    try:
        check_undamaged(config)
    except UserError:  # unlike `test` and `export`, resuming accepts a configuration that was changed
        rank_zero_warn(f"{config} has changed since the run began: it is resumed with the settings there now")
    content = parse_yaml(config.read_bytes(), config)
    settings = upgrade_run(content, record)
    arguments = [*arguments[:place], "--config", as_argument(config, content, settings), *rest]
    logger = setting(settings, "trainer.logger", Any)
    if isinstance(logger, dict) and str(logger.get("class_path")).endswith(".TensorBoardLogger"):
        arguments += [f"--trainer.logger.init_args.{name}={part}" for name, part in logger_place(run).items()]
    if (run / "checkpoints" / "last.ckpt").is_file():
        check_checkpoints(run / "checkpoints", record)  # fail now, not after the data is prepared
    else:
        print(f"{run} has no checkpoint yet: starting from the beginning", file=sys.stderr)
    return arguments, run
