"""Plan, run, report: `verify` for one's own code, `run` for many targets."""

from verinit.runner.execution import run_plan
from verinit.runner.planning import Plan, Row, plan, rows
from verinit.runner.verification import verify

__all__ = ["Plan", "Row", "plan", "rows", "run_plan", "verify"]
