"""What users ask Ray for, and where it fits."""

import pytest

from annotate.errors import AnnotateError
from runtime.executors.ray.holdings import Holding, machine_name
from runtime.executors.ray.placing import (
    Demand,
    Node,
    gpus_of,
    resources_for,
    room,
    slots_in,
    spread,
    why_waiting,
)
from runtime.executors.ray.request import RayRequest, parse_request


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("", RayRequest("auto", {"CPU": 1})),
        ("local", RayRequest("local", {"CPU": 1})),
        ("10.0.0.1:6379,cpus=0.5", RayRequest("10.0.0.1:6379", {"CPU": 0.5})),
        ("ray://head:10001", RayRequest("ray://head:10001", {"CPU": 1})),
        ("[::1]:6379", RayRequest("[::1]:6379", {"CPU": 1})),
        ("cpu=2, gpu=0.25,slots=3", RayRequest("auto", {"CPU": 2, "GPU": 0.25}, 3)),
        (
            "auto,memory=2GiB,TPU=4",
            RayRequest("auto", {"CPU": 1, "memory": 2 << 30, "TPU": 4}),
        ),
    ],
)
def test_a_cluster_and_what_a_trial_needs(text, request_):
    assert parse_request(text) == request_


def test_the_option_gpus_is_what_a_trial_needs_unless_the_request_says_it():
    assert parse_request("auto", 2).gpus == 2
    assert parse_request("auto,gpus=0.5", 2).gpus == 0.5
    assert parse_request("auto", 0).needs == {"CPU": 1}


@pytest.mark.parametrize(
    "text",
    [
        *("head", "http://head:1", "head:0", "head:70000", "auto,2", "auto,cpus=x", "auto,cpus=-1"),
        *("auto,cpus=nan", "auto,slots=0", "auto,slots=1.5", "auto,gpus=1.5", "auto,memory=much"),
    ],
)
def test_mistakes_are_refused(text):
    with pytest.raises(AnnotateError):
        parse_request(text)


def node(name, free, total=None):
    return Node(name, f"host-{name}", name, total or free, free)


def test_slots_are_shared_among_nodes():
    request = parse_request("cpus=2")
    nodes = [node("a", {"CPU": 8}), node("b", {"CPU": 5}), node("c", {"CPU": 1})]
    assert room(nodes, request) == 6
    assert spread(nodes, request, 3, {}) == [("a", 2), ("b", 1)]
    assert spread(nodes, request, 99, {}) == [("a", 4), ("b", 2)]
    assert spread(nodes, parse_request("cpus=2,slots=3"), 99, {"a": 2}) == [("b", 2), ("a", 1)]


def test_an_actor_has_a_part_of_one_gpu_at_most():
    request = parse_request("gpus=0.5")
    assert spread([node("a", {"CPU": 8, "GPU": 2})], request, 3, {}) == [("a", 2), ("a", 1)]
    assert resources_for(request, 2) == {"CPU": 2, "GPU": 1}


def test_no_more_resources_are_taken_than_trials_need():
    assert Demand(None).slots(6) == 6
    assert Demand(None, trials=4).slots(6) == 4
    assert Demand(8).slots(6) == 8


@pytest.mark.parametrize(
    ("slot", "each", "gpus"),
    [(0, 0, None), (1, 1, "5"), (1, 2, "6,7"), (2, 0.3, "4"), (0, 0.5, "4")],
)
def test_the_gpus_of_a_slot(slot, each, gpus):
    assert gpus_of(slot, ["4", "5", "6", "7"], each) == gpus


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gpus=5", "no node of the Ray cluster has 5 GPU: at most 2"),
        ("gpus=2,cpus=8", "no node of the Ray cluster has 8 CPU, 2 GPU"),
        ("cpus=8", "the Ray cluster is busy: no node has 8 CPU free"),
        ("TPU=1", "no node of the Ray cluster has 1 TPU: at most 0"),
    ],
)
def test_why_a_trial_waits(text, why):
    nodes = [
        node("a", {"CPU": 1, "GPU": 2}, {"CPU": 4, "GPU": 2}),
        node("b", {"CPU": 1}, {"CPU": 8}),
    ]
    assert why_waiting(nodes, parse_request(text)) == why
    assert slots_in(nodes[0].free, parse_request(text)) == 0


def test_machines_are_called_like_their_nodes():
    about = {"host": "alpha", "ip": "10.0.0.1"}
    assert machine_name(about, []) == "alpha"
    assert machine_name(about, ["alpha", "alpha (2)"]) == "alpha (3)"
    assert machine_name({"host": "alpha", "ip": "127.0.0.2"}, []) == "127.0.0.2"


def test_a_slot_belongs_to_one_trial():
    holding = Holding("a", 2, gpus=("0", "1"))
    assert holding.take(7, 1) == 1
    assert holding.take(8) == 0
    holding.give_back(7)
    assert holding.take(9) == 1
    assert holding.variables(1, parse_request("gpus=1")) == {"CUDA_VISIBLE_DEVICES": "1"}
