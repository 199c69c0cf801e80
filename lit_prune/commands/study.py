"""`lit_prune study`: run a grid of runs as a yaml says, or what of it is not done yet."""

import sys
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from jsonargparse import ArgumentParser

from lit_prune.errors import UserError
from lit_prune.fitting.cli import make_resolver
from lit_prune.shipped import find_config
from lit_prune.studies.cluster import Cluster, Resources
from lit_prune.studies.engine import Here, run_all
from lit_prune.studies.ledger import COMPLETED, SKIPPED, Ledger, check_folder, hold_study, write_study
from lit_prune.studies.plan import make_plan, select
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import Study, read_study
from lit_prune.studies.watch import Costs, Watch, print_plan


def run(arguments: Sequence[str]) -> None:
    """Run a study as the arguments of `lit_prune study` say."""
    parser = ArgumentParser(
        prog="lit_prune study",
        exit_on_error=False,
        description="Run a grid of runs, one after the other or on Ray. Finished runs are kept, those cut off are "
        "continued, and those whose settings have changed are run anew beside the old ones.",
    )
    parser.add_argument("study", type=str, help="The study's yaml, or the name of one that `lit_prune configs` lists.")
    parser.add_argument("--out", type=str, help="Its folder, default: logs/studies/<the yaml's name>.")
    parser.add_argument("--dry-run", action="store_true", help="Only show what would be run.")
    parser.add_argument(
        "--where",
        type=str,
        nargs="+",
        default=[],
        metavar="axis=value",
        help="Run a part of it and what that depends on; several values of an axis: name it several times.",
    )
    parser.add_argument(
        "--address",
        type=str,
        help="Run on Ray (extra cluster), several runs at once: `local` starts it on this machine, `auto` or HOST:PORT "
        "joins a cluster whose machines share this folder. Default: in this process.",
    )
    parser.add_class_arguments(Resources, "each", help="What each run gets, on Ray.")
    said = parser.parse_args(list(arguments))
    path = find_config(said.study, "study")
    out = Path(said.out or f"logs/studies/{path.stem}")
    on = None if said.address is None else (said.address, parser.instantiate(said).each)
    run_study(read_study(path), out, said.where, said.dry_run, on)


def run_study(
    study: Study,
    out: Path,
    where: Sequence[str] = (),
    dry_run: bool = False,
    on: tuple[str, Resources] | None = None,
) -> None:
    """Run a study, or a part of it.

    Args:
        study: The study.
        out: Its folder.
        where: `axis=value` each: the part.
        dry_run: Only show the plan.
        on: The address of a Ray, and what each run gets of it; None: in this process.

    Raises:
        UserError: before anything is run, what cannot be run; at the end, what has failed.
    """
    check_folder(out, study)
    plan = make_plan(study)
    chosen = select(plan, where)
    with (
        nullcontext() if dry_run else hold_study(out),
        nullcontext(Here()) if on is None or dry_run else closing(Cluster(*on)) as executor,
    ):
        standings = find_standings(plan, out, make_resolver())
        costs = Costs(standings.values(), study.cost)
        now = [standings[each.name] for each in chosen]
        if dry_run:
            print_plan(now, costs)
            return
        write_study(out, study)
        ledger = Ledger(out, standings, [each.name for each in chosen])
        watch = Watch(now, ledger, costs)
        with watch.shown():
            run_all(now, ledger, watch.tell, executor)
    failed = [ledger.entries[each.name] for each in chosen if ledger.status(each.name) not in (COMPLETED, SKIPPED)]
    if failed:
        for each in failed:
            print(f"{each['status']} {each['name']}: {each['error']}", file=sys.stderr)
        names = ", ".join(each["name"] for each in failed)
        raise UserError(f"{len(failed)} of {len(chosen)} runs of {out} are not done: {names}")
    print(out)
