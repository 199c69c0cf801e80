"""`lit_prune fit`: a LightningCLI with a paradigm as its model, and exact resume."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import datasets
import transformers
from jsonargparse import Namespace
from lightning.fabric.plugins import Precision
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined]

from lit_prune.callbacks.folder import RunFolder
from lit_prune.callbacks.progress import PhaseProgressBar, ProgressLines
from lit_prune.callbacks.record import CHOSEN_PRECISION
from lit_prune.data.public import MultitaskDataModule
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import explained
from lit_prune.fitting.ending import ending, restoring, sigterm_exits
from lit_prune.fitting.monitors import Monitors
from lit_prune.fitting.parser import PARSER, TRAINER_DEFAULTS, Parser, TrainerHelp, add_trainer
from lit_prune.fitting.requeue import requeue_on_signal
from lit_prune.fitting.settings import (
    check_experiment,
    check_num_workers,
    check_trainer,
    plugins_of,
    trainer_errors,
)
from lit_prune.fitting.upgraded import upgraded
from lit_prune.hardware.device import native_precision, warn_if_slow
from lit_prune.hardware.threads import limit_threads
from lit_prune.limits import check_seed
from lit_prune.paradigms.ddp import allows_unused
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.runs.aliases import resolve_arguments
from lit_prune.runs.folder import claimed, empty_unless_begun, locked

LOGS = "logs"  # folder of runs, unless trainer.default_root_dir is set


class PruneCLI(LightningCLI):
    """`lit_prune fit`: encoder, data and paradigm from yaml; docs/reference/configuration.md has the keys."""

    def __init__(self, args: Sequence[str], resumed: Path | None = None) -> None:
        self.resumed = resumed
        with ExitStack() as self.stack, sigterm_exits() as self.sigterm:
            super().__init__(
                model_class=Paradigm,
                datamodule_class=MultitaskDataModule,
                subclass_mode_model=True,
                save_config_callback=RunFolder,
                trainer_defaults=TRAINER_DEFAULTS,
                seed_everything_default=1,
                parser_class=Parser,
                parser_kwargs=PARSER,
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,
                args=list(args),
            )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Return `fit` as the only subcommand; it evaluates itself, and resumes by `--resume` alone."""
        return {"fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule", "ckpt_path", "weights_only"}}

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the seed, the experiment, and the options of studies and resuming."""
        default = self.seed_everything_default
        parser.add_argument("--seed_everything", type=bool | int, default=default, help="Seed of everything random.")
        parser.add_argument(
            "--experiment", type=str, default="run", help="Name of the run's folder: logs/<experiment>."
        )
        parser.add_argument(
            "--axes", type=dict, default={}, help="The values of a study's axes for this run, recorded in run.json."
        )
        parser.add_argument(
            "--resume",
            type=str,
            default=None,
            help="Folder of an interrupted run: resume it there, with the configuration that it was started with.",
        )
        parser.add_argument(
            f"--{CHOSEN_PRECISION}",
            type=str | None,
            default=None,
            help="Set by fit in config.yaml if fit chose trainer.precision by the device.",
        )

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the package's own settings, then those of the Trainer, as help and `config.yaml` show them."""
        parser.add_lightning_class_args(Paradigm, "model", subclass_mode=True)
        parser.add_class_arguments(PrunableEncoder, "encoder")
        parser.add_lightning_class_args(MultitaskDataModule, "data")
        add_trainer(parser)
        parser.groups["trainer"].add_argument("--trainer.help", action=TrainerHelp)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Link settings that follow from others."""
        self.fit_parser = parser
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("encoder.tokenizer", "data.tokenizer", apply_on="instantiate")
        parser.link_arguments("encoder.word_embeddings", "data.word_embeddings", apply_on="instantiate")
        parser.link_arguments("encoder", "model.init_args.encoder", apply_on="instantiate")
        parser.link_arguments("data.tasks", "model.init_args.tasks", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the arguments and check the settings of the Trainer before anything is seeded or built."""
        self.config = self.resolve(args)
        check_trainer(self.config.fit.trainer.as_dict())
        check_num_workers(self.config.fit.data.num_workers)

    def resolve(self, arguments: Sequence[str]) -> Namespace:
        """Resolve arguments to a configuration, independent of the machine.

        Raises:
            UserError: An argument, the seed or the experiment is invalid.
        """
        with explained(self._options()):
            config = self.parser.parse_args(resolve_arguments(upgraded(arguments)))
        check_seed("seed_everything", config.fit.seed_everything)
        check_experiment(config.fit.experiment)
        return config

    def _options(self) -> Iterator[str]:
        yield from self.fit_parser.get_defaults(skip_validation=True).keys()

    def before_instantiate_classes(self) -> None:
        """Set precision and callbacks, and open the run's folder, `logs/<experiment>/version_<n>` by default."""
        config = self.config[self.subcommand]
        self._set_precision(config)
        folder = self.open_folder(Path(config.trainer.default_root_dir or LOGS) / config.experiment)
        if config.trainer.logger in (None, True) and folder is not None:
            config.trainer.logger = {
                "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
                "init_args": logger_place(folder),
            }
        self.save_config_kwargs = {"folder": folder}
        wanted = config.trainer.enable_progress_bar
        self.shows_bar = sys.stdout.isatty() if wanted is None else wanted
        lines = [] if wanted is False else [ProgressLines()]
        progress = [PhaseProgressBar()] if self.shows_bar else lines
        self.trainer_defaults = TRAINER_DEFAULTS | {"callbacks": [*progress, Monitors()]}

    def _set_precision(self, config: Namespace) -> None:
        """Choose a precision that the device computes natively if none is set; a resumed run keeps its precision.

        A precision that an earlier run chose by its device counts as not set.
        """
        trainer = config.trainer
        is_set = trainer.precision not in (None, config[CHOSEN_PRECISION])
        if is_set:
            config[CHOSEN_PRECISION] = None
            warn_if_slow(trainer.precision, trainer.accelerator)
        elif self.resumed is None:
            has_plugin = bool(plugins_of(trainer.plugins, Precision))
            chosen = None if has_plugin else native_precision(trainer.accelerator)
            trainer.precision = config[CHOSEN_PRECISION] = chosen

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the Trainer; raise Lightning's errors about its settings as a `UserError`."""
        with trainer_errors():
            return super().instantiate_trainer(enable_progress_bar=self.shows_bar, **kwargs)

    def instantiate_classes(self) -> None:
        """Build everything.

        Raises:
            UserError: a class of a callback, logger or plugin needs a package that is not there.
        """
        try:
            super().instantiate_classes()
        except ImportError as error:
            raise UserError(f"each class must have its packages installed, got {error}: install them") from error

    def open_folder(self, experiment: Path) -> Path | None:
        """Create and lock the run's folder until training has ended; return None on all processes but the first."""
        if rank_zero_only.rank != 0:  # type: ignore[attr-defined]
            return None
        folder = self.resumed or self.stack.enter_context(claimed(experiment))
        self.stack.enter_context(locked(folder))
        if self.resumed is None:
            self.stack.callback(empty_unless_begun, folder)
        return folder

    def fit(self, model: Paradigm, datamodule: MultitaskDataModule) -> None:
        """Train, from the last checkpoint if resumed."""
        datamodule.check_batch_sizes(self.trainer.num_devices * self.trainer.num_nodes)
        strategy = self.trainer.strategy
        if len(datamodule.tasks) > 1 and not allows_unused(strategy):
            raise UserError(
                f"trainer.strategy must allow unused parameters for several tasks, got {type(strategy).__name__}: a "
                "step trains the head of one task, use --trainer.strategy ddp_find_unused_parameters_true"
            )
        environment = getattr(strategy, "cluster_environment", None)
        starts_processes = environment is not None and not environment.creates_processes_externally
        limit_threads(self.trainer.num_devices if starts_processes else 1)
        last = None if self.resumed is None else self.resumed / "checkpoints" / "last.ckpt"
        start = last if last is not None and last.is_file() else None
        with ending(self.trainer, model, self.sigterm), requeue_on_signal(), restoring(start, model):
            self.trainer.fit(model, datamodule=datamodule, ckpt_path=start, weights_only=True)


class BuildingCLI(PruneCLI):
    """The configuration of `lit_prune fit`, built but not trained; `fit` does what a command needs of it."""

    def open_folder(self, experiment: Path) -> None:
        """Create no folder, as nothing is trained."""


class _Resolver(PruneCLI):
    """The parsing of `lit_prune fit`, without seeding, building or running anything."""

    def __init__(self) -> None:
        super().__init__([])

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        self.config = Namespace(subcommand=None, seed_everything=False)

    def before_instantiate_classes(self) -> None: ...

    def instantiate_classes(self) -> None: ...


def make_resolver() -> Callable[[Sequence[str]], dict[str, Any]]:
    """Return a function that resolves arguments of `lit_prune fit` to the configuration in a run's `config.yaml`.

    The function builds nothing and raises a `UserError` for invalid arguments. All calls share one parser and take less
    than a tenth of a second.
    """
    quiet()
    cli = _Resolver()

    def resolve(arguments: Sequence[str]) -> dict[str, Any]:
        config = cli.resolve(["fit", *arguments])
        resolved: dict[str, Any] = json.loads(cli.parser.dump(config, format="json"))["fit"]
        return resolved

    return resolve


def logger_place(run: Path) -> dict[str, str]:
    """Return the arguments with which TensorBoard's logger writes into the run's folder."""
    return {"save_dir": str(run.parent.parent), "name": run.parent.name, "version": run.name}


def quiet() -> None:
    """Silence progress bars and warnings of libraries about intended behaviour of this package."""
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.seed"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "LightningCLI's args parameter",
        ".*does not have many workers",
        ".*your dataloader is not resumable",  # it is: batches are a function of the step
        ".*isinstance.treespec, LeafSpec.",
        ".*broadcast_buffers. is deprecated",  # the replacement is not in all supported versions of torch
        ".*sync_dist=True.*",  # metrics are computed on whole sets and equal on every process
        "The number of training batches .* is smaller than the logging interval",  # steps count across epochs
        r"\s*(By default only one Jsonargparse|``instantiate_classes`` was deprecated)",  # Lightning's own call
    ):
        warnings.filterwarnings("ignore", message=message)
