"""`lit_prune study`: run a grid of runs from a yaml, except for complete ones."""

import sys
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from lit_prune.commands.parser import command_parser
from lit_prune.errors import UserError
from lit_prune.fitting.cli import make_resolver
from lit_prune.shipped import find_config
from lit_prune.studies.budget import check_budget, efforts_table
from lit_prune.studies.cluster import Cluster, Resources
from lit_prune.studies.engine import LocalExecutor, run_all
from lit_prune.studies.ledger import COMPLETED, SKIPPED, Ledger, check_folder, lock_study, write_study
from lit_prune.studies.plan import make_plan, select
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import Study, read_study
from lit_prune.studies.watch import Costs, Watch, print_plan


def run(arguments: Sequence[str]) -> None:
    """Run a study with the arguments of `lit_prune study`."""
    parser = command_parser(
        "study",
        "Run a grid of runs, one after the other or on Ray. Complete runs are kept, interrupted ones are "
        "resumed, and runs whose settings have changed are run again beside the old ones.",
        "lit_prune study my_study.yaml --dry-run",
        "lit_prune study my_study.yaml --where seed=1",
    )
    parser.add_argument("study", type=str, help="The study's yaml, or the name of one that `lit_prune configs` lists.")
    parser.add_argument("--out", type=str, help="The study's folder, default: logs/studies/<name of the yaml>.")
    parser.add_argument("--dry-run", action="store_true", help="Print the plan without running it.")
    parser.add_argument(
        "--where",
        type=str,
        nargs="+",
        default=[],
        metavar="axis=value",
        help="Run only these runs and their dependencies; repeat an axis to select several of its values.",
    )
    parser.add_argument(
        "--address",
        type=str,
        help="Run on Ray (extra cluster), several runs at once: `local` starts it on this machine, `auto` or HOST:PORT "
        "joins a cluster whose machines share this folder. Default: in this process.",
    )
    parser.add_class_arguments(Resources, "each", help="Resources of a run on Ray.")
    parsed = parser.parse_args(list(arguments))
    path = find_config(parsed.study, "study")
    out = Path(parsed.out or f"logs/studies/{path.stem}")
    cluster = None if parsed.address is None else (parsed.address, parser.instantiate(parsed).each)
    run_study(read_study(path), out, parsed.where, parsed.dry_run, cluster)


def run_study(
    study: Study,
    out: Path,
    where: Sequence[str] = (),
    dry_run: bool = False,
    cluster: tuple[str, Resources] | None = None,
) -> None:
    """Run a study, or a part of it.

    Args:
        study: The study.
        out: The study's folder.
        where: Conditions `axis=value` that select runs.
        dry_run: Print the plan without running it.
        cluster: Address of Ray and the resources of a run, None to run in this process.

    Raises:
        UserError: A run is not valid (raised before any run is started), or has failed (raised at the end).
    """
    check_folder(out, study)
    plan = make_plan(study)
    chosen = select(plan, where)
    with (
        nullcontext() if dry_run else lock_study(out),
        nullcontext(LocalExecutor()) if cluster is None or dry_run else closing(Cluster(*cluster)) as executor,
    ):
        standings = find_standings(plan, out, make_resolver())
        check_budget(study, standings)
        costs = Costs(standings.values(), study.cost)
        selected = [standings[each.name] for each in chosen]
        if dry_run:
            print_plan(selected, costs, efforts_table(study, selected))
            return
        write_study(out, study)
        ledger = Ledger(out, standings, [each.name for each in chosen])
        watch = Watch(selected, ledger, costs)
        with watch.live():
            run_all(selected, ledger, watch.update, executor)
    failed = [ledger.entries[each.name] for each in chosen if ledger.status(each.name) not in (COMPLETED, SKIPPED)]
    if failed:
        for each in failed:
            print(f"{each['status']} {each['name']}: {each['error']}", file=sys.stderr)
        names = ", ".join(each["name"] for each in failed)
        raise UserError(
            f"runs of {out} must complete, got {len(failed)} of {len(chosen)} that did not ({names}): see their "
            "output.txt"
        )
    print(out)
