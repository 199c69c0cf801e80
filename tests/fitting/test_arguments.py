"""Errors of jsonargparse in one line, and configuration files that its parser would not end on."""

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from lit_prune.errors import UserError
from lit_prune.fitting.arguments import HELP, explain, explained, with_config_files
from lit_prune.losses import Annealed, Loss


def parse(*arguments):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--several", type=list[int] | None)
    parser.add_argument("--either", type=int | dict[str, float] | None)
    parser.add_subclass_arguments(Loss, "loss", required=False)
    with explained(parser.get_defaults().keys()):
        parser.parse_args(list(arguments))


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--number=x", f"number must be an integer, got x: {HELP}"),
        ("--several=x", f"several must be a list, got x: {HELP}"),
        ("--either=x", f"either must be an integer or a mapping, got x: {HELP}"),
        ("--nmber=1", "unknown key nmber: did you mean number?"),
        ("--colour=1", f"unknown key colour: {HELP}"),
        ("--loss=no.Such", f"loss must be a class path that can be imported, got no.Such: {HELP}"),
        ("--loss=os.system", f"loss must be the class path of a Loss, got os.system: {HELP}"),
        ("--loss=lit_prune.losses.Annealed", f"loss.init_args must have loss, got none: {HELP}"),
    ],
)
def test_what_a_parser_says_is_one_line_with_key_and_value(argument, line):
    with pytest.raises(UserError) as raised:
        parse(argument)
    assert str(raised.value) == line


def test_a_nested_value_is_named_by_its_whole_key():
    inner = "{class_path: lit_prune.losses.LearnedMixin, init_args: {entropy_penalty: much}}"
    with pytest.raises(UserError) as raised:
        parse(f"--loss={{class_path: {Annealed.__module__}.Annealed, init_args: {{loss: {inner}}}}}")
    assert str(raised.value) == f"loss.init_args.loss.init_args.entropy_penalty must be a number, got much: {HELP}"


def test_a_misspelt_argument_of_a_class_gets_a_suggestion():
    with pytest.raises(UserError) as raised:
        parse("--loss={class_path: lit_prune.losses.LearnedMixin, init_args: {entropy_penaltee: 1}}")
    assert str(raised.value) == (
        "unknown key loss.init_args.entropy_penaltee: did you mean loss.init_args.entropy_penalty?"
    )


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("the following arguments are required: fit.data.tasks, fit.model", f"data.tasks, model must be set: {HELP}"),
        ("argument -c/--config: expected one argument", f"config must have one value, got none: {HELP}"),
        ("argument --perturb: invalid float value: 'x'", f"perturb must be a number, got 'x': {HELP}"),
        ("argument --a: invalid choice: 'x' (choose from 'b', 'c')", f"a must be one of 'b', 'c', got 'x': {HELP}"),
        ('Linked "a" must be given via "b".', "a must be left out: it follows from b, set that instead"),
        ("some\nother  message", "some other message"),
        ("x" * 500, "x" * 120 + "..."),
    ],
)
def test_messages_of_one_line(message, line):
    assert explain(message) == line


def test_an_error_that_is_none_of_an_argument_passes():
    with pytest.raises(ZeroDivisionError), explained():
        raise ZeroDivisionError


def test_an_error_of_an_argument_keeps_its_cause():
    with pytest.raises(UserError) as raised, explained():
        raise ArgumentError(None, "unrecognized arguments: --a=1")
    assert isinstance(raised.value.__cause__, ArgumentError)


@pytest.mark.parametrize("form", [("--config", "{}"), ("--config={}",), ("-c", "{}")])
def test_a_file_that_contains_itself_is_named_however_it_is_given(tmp_path, form):
    path = tmp_path / "it.yaml"
    path.write_text("a: &a\n  b: [*a]\n")
    with pytest.raises(UserError, match=f"--config must be yaml .* got {path}: its aliases expand to too many nodes"):
        with_config_files([each.format(path) for each in form])


def test_a_value_that_stands_twice_is_no_cycle(tmp_path):
    path = tmp_path / "it.yaml"
    path.write_text("a: &a {b: 1}\nc: [*a, *a]\nd: *a\n")
    with_config_files(["--config", str(path), "--config"])


def test_a_mapping_in_the_place_of_a_file_is_left_to_the_parser():
    with_config_files(["--config={a: 1}", "word"])


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "it.yaml"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(UserError, match=r"at most .* bytes, got"):
        with_config_files([f"--config={path}"])


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("sparsity", "did you mean model.init_args.schedule.init_args.final, the sparsity at the end?"),
        ("los", "did you mean model.init_args.loss?"),
        ("final", HELP),  # the common beginning makes no key similar
    ],
)
def test_a_key_is_like_those_beside_it(key, remedy):
    options = ["model.init_args.schedule", "model.init_args.loss", "model.init_args.args", "data.final"]
    message = explain(f"unrecognized arguments: --model.init_args.{key}", options)
    assert message == f"unknown key model.init_args.{key}: {remedy}"
