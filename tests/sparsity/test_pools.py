import pytest

from lit_prune.errors import UserError
from lit_prune.sparsity.pools import pools

MATCHED = {"query": ["q0", "q1"], "output": ["o0", "o1"], "pooler": ["p"]}


def test_a_pool_is_a_matrix_or_all_or_some_targets():
    assert pools("local", MATCHED) == [["q0"], ["q1"], ["o0"], ["o1"], ["p"]]
    assert pools("global", MATCHED) == [["q0", "q1", "o0", "o1", "p"]]
    assert pools([["pooler", "query"], ["output"]], MATCHED) == [["p", "q0", "q1"], ["o0", "o1"]]


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ("layer", "unknown scope 'layer': choose from local"),
        ([["query"], ["output"]], r"must contain each of \['output', 'pooler', 'query'\] once"),
        ([["query", "pooler"], ["output", "query"]], "once"),
        ([["query", "pooler", "key"], ["output"]], "once"),
        ([["query", "pooler", "output"], []], "once"),
    ],
)
def test_another_scope_is_refused(scope, named):
    with pytest.raises(UserError, match=named):
        pools(scope, MATCHED)
