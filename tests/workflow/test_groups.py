"""The groups of the cluster profiles: no group waits for a job that waits for it."""

import graphlib
import re

import pytest
import yaml
from helpers import REPOSITORY, run_snakemake

PROFILE = REPOSITORY / "profiles/slurm/config.yaml"
NODE = re.compile(r'^\s*(\d+)\[label = "(\w+)', re.MULTILINE)
EDGE = re.compile(r"^\s*(\d+) -> (\d+)$", re.MULTILINE)


def merged(rules, edges, groups):
    """Return a job of the queue for each job: those of one group that hang together are one."""
    queued = {job: job for job in rules}
    for one, other in edges:
        if groups.get(rules[one], one) == groups.get(rules[other], other):
            first, second = queued[one], queued[other]
            queued = {job: first if at == second else at for job, at in queued.items()}
    return queued


def waits(queued, edges):
    graph = {}
    for one, other in edges:
        if queued[one] != queued[other]:
            graph.setdefault(queued[other], set()).add(queued[one])
    return graph


def test_no_group_waits_for_itself(tmp_path):
    targets = ("all", "sensitivity", "recommend", "gate", "ort_models")
    result = run_snakemake(tmp_path, *targets, options=("--dag",))
    assert result.returncode == 0, result.stdout
    rules, edges = dict(NODE.findall(result.stdout)), EDGE.findall(result.stdout)
    assert len(rules) > 100 and len(edges) > len(rules)
    groups = yaml.safe_load(PROFILE.read_text())["groups"]
    queued = merged(rules, edges, groups)
    order = graphlib.TopologicalSorter(waits(queued, edges)).static_order()
    assert len(list(order)) < len(rules)  # and no CycleError


def test_a_cycle_is_found():
    rules, edges = {"1": "a", "2": "b", "3": "a"}, [("1", "2"), ("2", "3"), ("1", "3")]
    assert merged(rules, edges, {}) == {"1": "1", "2": "2", "3": "3"}
    queued = merged(rules, edges, {"a": "group"})
    assert queued == {"1": "1", "2": "2", "3": "1"}
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(waits(queued, edges)).prepare()
