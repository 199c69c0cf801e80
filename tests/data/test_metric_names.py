"""Names of tasks, classes and groups that would make one of two metrics, files or modules."""

import pytest
from rows import LABELS, Rows, nli
from torch import nn

from lit_prune.data import ChoiceTask, MentionTask, Similarity, SpanTask, Task
from lit_prune.data.metric_names import check_group_names
from lit_prune.data.preparation import Preparation, prepare_set, prepare_task
from lit_prune.errors import UserError

TAKEN = ("keys", "train", "type", "dense", "dense_shifted", "constant", "bias", "teacher", "stability", "sparsity")
PHASES = ("mask", "prune", "search", "tune", "ticket", "round_1", "round_12")


@pytest.mark.parametrize("name", ["", "a.b", "../x", "a/b", "a b", "x" * 200])
def test_a_task_has_a_name_that_files_and_modules_can_have(name):
    with pytest.raises(UserError, match=r"^a task's name must be 1 to 100 letters, digits, _ and -, got '"):
        Task(name, ["a", "b"], Rows())


@pytest.mark.parametrize("name", [*TAKEN, *PHASES])
def test_a_task_is_not_called_like_what_the_package_has(name):
    with pytest.raises(UserError, match=f"must not be one that the package uses itself, got '{name}': rename the task"):
        Task(name, ["a", "b"], Rows())


@pytest.mark.parametrize("kind", [ChoiceTask, Similarity, SpanTask])
def test_no_kind_of_task_takes_such_a_name(kind):
    with pytest.raises(UserError, match="got 'keys': rename the task"):
        kind("keys", Rows())
    with pytest.raises(UserError, match="got 'keys': rename the task"):
        MentionTask("keys", ["a", "b"], Rows())


@pytest.mark.parametrize("name", ["nli", "rounds", "round_1_nli", "dense_nli", "sts-b", "2"])
def test_any_other_name_is_a_tasks(name):
    nn.ModuleDict({Task(name, ["a", "b"], Rows()).name: nn.Identity()})


@pytest.mark.parametrize("name", ["", " ", " a", "a/b", "a\n", "\ud83d"])
def test_a_class_has_a_name_that_metrics_can_have(name):
    with pytest.raises(
        UserError, match=r"^task 't': the name of a class must be a text without / and outer white space"
    ):
        Task("t", ["x", name], Rows())
    with pytest.raises(UserError, match=r"^task 't': the name of a class must be"):
        Task("t", ["x", "y"], Rows(), merge={"x": name})


@pytest.mark.parametrize("labels", [["a", "overlap_low"], ["a", "overlap_high_a"]])
def test_a_class_is_not_called_like_a_group_of_word_overlap(labels):
    with pytest.raises(UserError, match=rf"task 't': metrics must differ, got accuracy_{labels[1]} twice"):
        Task("t", labels, Rows())


@pytest.mark.parametrize("groups", [[], ["", "x", "x"], ["lexical_overlap", "subsequence"], ["low", "a b"], ["_a"]])
def test_groups_whose_metrics_have_names_of_their_own(groups):
    check_group_names("t/id", groups, ["a", "b"])


@pytest.mark.parametrize(
    "groups", [["a"], ["x", "x_a"], ["overlap_low"], ["overlap_high_b"], ["x/y"]], ids=lambda groups: groups[-1]
)
def test_groups_whose_metrics_would_replace_others(groups):
    message = f"t/id: the name of a group must have no / and differ from .*, got '{groups[-1]}': rename it in the rows"
    with pytest.raises(UserError, match=message):
        check_group_names("t/id", groups, ["a", "b"])


class Grouped(Rows):
    """Rows of one group in one of their splits."""

    def __init__(self, split, group):
        super().__init__()
        self.split, self.group = split, group

    def fingerprint(self, split, root):
        return {"split": self.split, "group": self.group, "of": split}

    def rows(self, split, root):
        for row in super().rows(split, root):
            yield {**row, "text_a": f"{split} a b", "group": self.group if split == self.split else ""}


@pytest.mark.parametrize("split", ["train", "id"])
def test_a_group_called_like_a_class_is_found_before_training(split, tokenizer):
    how = Preparation(tokenizer, root=None, max_length=64, validation_fraction=0, seed=3)
    with pytest.raises(UserError, match=f"nli/{split}: .* got 'neutral'"):
        prepare_task(nli(Grouped(split, "neutral")), how, None)
    with pytest.raises(UserError, match=f"nli/{split}: .* got 'entailment'"):
        prepare_set(nli(Grouped(split, "entailment")), split, how)
    assert set(prepare_set(nli(Grouped(split, "news")), split, how).rows["group"]) == {"news"}
    assert "non_entailment" not in LABELS
    prepare_set(nli(Grouped(split, "non_entailment")), split, how)


@pytest.mark.parametrize("name", ["keys", "a.b", "mask"])
def test_a_run_of_such_a_task_writes_nothing(experiment, tmp_path, name, capsys):
    code, run = experiment(f"--data.tasks.name={name}")
    assert code == 2
    assert f"got '{name}': rename" in capsys.readouterr().err
    assert not run.exists()
