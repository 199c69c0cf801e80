from jsonargparse import ArgumentParser

from lit_prune.display.help import HelpFormatter, description


def test_a_text_is_wrapped_and_examples_keep_their_lines(capsys):
    example = "lit_prune command " + "--option value " * 8
    parser = ArgumentParser(formatter_class=HelpFormatter, description=description("word " * 40, example.strip()))
    parser.add_argument("--number", type=int, default=3, help="How many.")
    parser.print_help()
    lines = capsys.readouterr().out.splitlines()
    assert f"  {example.strip()}" in lines
    assert max(len(line) for line in lines if line.startswith("word")) <= 80
    assert any("How many. (type: int, default: 3)" in line for line in lines)


def test_a_text_alone_has_no_examples():
    assert description("Do it.") == "Do it."
