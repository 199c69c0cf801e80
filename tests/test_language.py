"""The mechanical rules of the package's English: first words of docstrings, forms of error messages."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lit_prune"
FIRST_WORDS = re.compile(r"(What|That|Those|The same|Of|Whether|Have)\b")  # none of a docstring
NEEDED = re.compile(r"\bneeded (is|are)\b|\b(is|are) needed\b")  # not a form of an error message


def modules():
    return [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]


def texts(node):
    return "".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


@pytest.mark.parametrize("name", modules())
def test_docstrings_begin_with_a_noun_phrase_or_an_imperative(name):
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            assert not FIRST_WORDS.match(ast.get_docstring(node) or ""), ast.get_docstring(node)


@pytest.mark.parametrize("name", modules())
def test_errors_for_users_have_the_forms_of_the_style(name):
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
            assert not NEEDED.search(texts(node)), texts(node)
