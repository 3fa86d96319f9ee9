"""What the driver of the worker processes does when one of them dies."""

from __future__ import annotations

import math
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

from verinit.cases import battery
from verinit.runner import plan, run_plan
from verinit.runner.workers import DEAD, Flight, Workers
from verinit.targets import resolve
from verinit.vocabulary import Verdict

PLAN = plan(resolve("numpy:he_normal"), battery=battery("smoke"))


def in_flight(*outcomes: object) -> Workers:
    """Workers whose units have all come to an end: findings, or the error that ended them."""
    workers = Workers(jobs=2, limit=60.0)
    for unit, outcome in zip(PLAN.units, outcomes, strict=False):
        future: Future[object] = Future()
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        workers.flying[future] = Flight(unit=unit, since=math.inf)
    return workers


def test_a_unit_that_died_while_its_neighbour_finished_is_tried_again_alone() -> None:
    for outcomes in ((BrokenProcessPool(), []), ([], BrokenProcessPool())):
        workers = in_flight(*outcomes)
        assert list(workers._collect()) == [[]]
        died = next(i for i, outcome in enumerate(outcomes) if isinstance(outcome, Exception))
        assert list(workers.suspects) == [PLAN.units[died]]
        assert not workers.flying


def test_all_that_was_in_flight_is_tried_again_when_a_worker_dies() -> None:
    workers = in_flight(BrokenProcessPool(), BrokenProcessPool())
    assert list(workers._collect()) == []
    assert list(workers.suspects) == PLAN.units[:2]


def test_a_unit_that_dies_alone_is_the_culprit() -> None:
    workers = in_flight(BrokenProcessPool())
    (findings,) = workers._collect()
    assert findings[0].verdict is Verdict.errored
    assert findings[0].reason == DEAD
    assert not workers.suspects


def test_an_error_on_the_way_back_is_told_and_the_others_fly_on() -> None:
    workers = in_flight(ValueError("cannot be sent"), [])
    assert sorted(map(bool, workers._collect())) == [False, True]
    assert not workers.suspects


def test_a_run_that_lost_a_unit_is_not_complete() -> None:
    assert not run_plan(PLAN, engine=lambda units: iter([])).complete
    assert run_plan(PLAN).complete
