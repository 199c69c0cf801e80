"""Files with a word a line."""

import pytest

from lit_prune.data import ConllFiles
from lit_prune.data.sources import TokensRow
from lit_prune.data.sources.conll import read_conll
from lit_prune.errors import UserError

OFFICIAL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC

-DOCSTART- -X- -X- O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""


def write(folder, content, name="train.txt"):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def test_sentences_of_the_official_layout(tmp_path):
    first, second = read_conll(write(tmp_path, OFFICIAL))
    assert first == TokensRow(
        id="3",
        text_a="EU rejects German",
        text_b="",
        label="",
        group="",
        words=[[0, 2], [3, 10], [11, 17]],
        tags=["B-ORG", "O", "B-MISC"],
    )
    assert (second["id"], second["text_a"], second["tags"]) == ("9", "Peter Blackburn", ["B-PER", "I-PER"])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_tabs_blank_lines_of_spaces_and_line_ends(tmp_path, line_end):
    content = line_end.join(["\ufeffa\tx", "b  y ", " \t", "", "c \u00a0d z"])
    first, second = read_conll(write(tmp_path, content))
    assert (first["text_a"], first["tags"]) == ("a b", ["x", "y"])
    assert (second["text_a"], second["tags"], second["id"]) == ("c", ["z"], "5")


def test_a_no_break_space_is_part_of_a_word(tmp_path):
    (row,) = read_conll(write(tmp_path, "1\u00a0000 NUM\n"))
    assert (row["text_a"], row["words"]) == ("1\u00a0000", [[0, 5]])


def test_columns_are_chosen_by_number(tmp_path):
    source = ConllFiles({"train": ["train.txt"]}, word_column=0, tag_column=1)
    write(tmp_path, OFFICIAL)
    assert [row["tags"] for row in source.rows("train", str(tmp_path))] == [["NNP", "VBZ", "JJ"], ["NNP", "NNP"]]
    last = ConllFiles({"train": ["train.txt"]})
    assert source.fingerprint("train", str(tmp_path)) != last.fingerprint("train", str(tmp_path))
    assert source.available(str(tmp_path)) == ["train"]


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("a x\nb\n", (0, -1), r"train.txt:2 must have a word in column 0 and a tag in column -1, got 1 columns"),
        ("a x\n", (0, 3), r"train.txt:1 must have a word in column 0 and a tag in column 3, got 2 columns"),
        ("a x\n", (0, -3), r"a tag in column -3, got 2 columns"),
        ("\n\n", (0, -1), "train.txt must have words, got none"),
        ("-DOCSTART- O\n", (0, -1), "train.txt must have words, got none"),
        (b"a x\n\xff x\n", (0, -1), "train.txt:2 must be UTF-8"),
    ],
)
def test_a_file_of_another_form_is_one_error_with_its_line(tmp_path, content, columns, message):
    with pytest.raises(UserError, match=message):
        list(read_conll(write(tmp_path, content), *columns))


def test_groups_are_a_column_of_the_first_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("news Ann B-x\nweb ran O\n\nweb Bob B-x\n")
    rows = list(ConllFiles({"train": ["a.txt"]}, word_column=1, group_column=0).rows("train", str(tmp_path)))
    assert [(row["group"], row["tags"]) for row in rows] == [("news", ["B-x", "O"]), ("web", ["B-x"])]
    with pytest.raises(UserError, match=r"a\.txt:1 must have a group in column 5, got 3 columns"):
        list(read_conll(path, 1, -1, 5))
