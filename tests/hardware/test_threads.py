"""Threads under an affinity and under quotas of both versions of control groups, in a file system of our own."""

import os

import pytest
import torch

from lit_prune.hardware import threads
from lit_prune.hardware.threads import limit_threads, usable_cpus


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function: files of control groups by path -> the CPUs that are usable under them, of 64."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)

    def usable(groups, files):
        for path, text in {"proc/self/cgroup": groups, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return usable_cpus(tmp_path)

    return usable


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("max 100000", 64), ("200000 100000", 2), ("190000 100000", 1), ("50000 100000", 1), ("9900000 100000", 64)],
)
def test_a_quota_of_version_2_is_rounded_down(machine, quota, cpus):
    assert machine("0::/\n", {"sys/fs/cgroup/cpu.max": f"{quota}\n"}) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 64), ("300000", 3)])
def test_a_quota_of_version_1(machine, quota, cpus):
    folder = "sys/fs/cgroup/cpu/docker/abc"
    files = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert machine("4:memory:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n", files) == cpus


def test_the_smallest_quota_of_a_group_and_those_above_it_counts(machine):
    files = {"sys/fs/cgroup/a/b/cpu.max": "800000 100000", "sys/fs/cgroup/a/cpu.max": "400000 100000"}
    assert machine("0::/a/b\n", files) == 4


def test_a_group_that_is_named_from_outside_of_the_container_has_the_quota_at_the_top(machine):
    assert machine("0::/docker/abc\n", {"sys/fs/cgroup/cpu.max": "200000 100000"}) == 2


def test_without_control_groups_affinity_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 6}, raising=False)
    assert usable_cpus(tmp_path) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cpus(tmp_path) == 7


@pytest.fixture
def chosen(monkeypatch):
    """The numbers of threads that torch is told, on a machine where it would take 64 and may use 6."""
    told = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setattr(threads, "usable_cpus", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    return told


def test_threads_follow_what_is_usable(chosen):
    limit_threads()
    assert chosen == [6]
    assert "OMP_NUM_THREADS" not in os.environ


def test_threads_are_never_more_than_torch_has(chosen, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    limit_threads()
    assert chosen == [2]


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_the_environment_has_the_last_word(chosen, monkeypatch, name):
    monkeypatch.setenv(name, "64")
    limit_threads(4)
    assert chosen == []


@pytest.mark.parametrize(("num_processes", "num_threads"), [(4, 1), (2, 3), (8, 1)])
def test_processes_that_are_started_share_the_cpus(chosen, monkeypatch, num_processes, num_threads):
    monkeypatch.setenv("OMP_NUM_THREADS", "")  # so that it is taken back
    monkeypatch.delenv("OMP_NUM_THREADS")
    limit_threads(num_processes)
    assert chosen == [num_threads]
    assert os.environ["OMP_NUM_THREADS"] == str(num_threads)
