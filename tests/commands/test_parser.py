"""The parser of the commands."""

import pytest

from lit_prune.commands.parser import command_parser
from lit_prune.errors import UserError


@pytest.fixture
def parser():
    parser = command_parser("command", "Do something.", "lit_prune command --batch_size 3", "lit_prune command")
    parser.add_argument("--batch_size", type=int, default=8, help="Examples per batch.")
    parser.add_argument("run", type=str, help="The run.")
    return parser


def test_its_help_begins_with_purpose_and_examples(parser, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    usage, purpose, examples, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith("usage: lit_prune command")
    assert purpose == "Do something."
    assert examples == "  lit_prune command --batch_size 3\n  lit_prune command"


def test_values_have_their_types(parser):
    assert parser.parse_args(["a", "--batch_size", "3"]).as_dict() == {"run": "a", "batch_size": 3}


@pytest.mark.parametrize("option", ["--batchsize", "--batch_siz", "--batch"])
def test_a_misspelt_or_shortened_option_gets_a_suggestion(parser, option):
    with pytest.raises(UserError, match=r"unknown key batch\w*: did you mean batch_size\?"):
        parser.parse_args(["a", option, "3"])


def test_an_argument_that_is_no_option_is_not_suggested(parser):
    with pytest.raises(UserError, match="unknown key runs: lit_prune COMMAND --help"):
        parser.parse_args(["a", "--runs", "3"])
