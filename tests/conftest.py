"""How hard Hypothesis searches, how many threads a worker has, and which tests need what may be missing."""

import importlib.util
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded: there is one worker for each core

import pytest
from hypothesis import settings

pytest_plugins = "pytester"

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("nightly", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev")
)


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("torch") is not None:
        return
    for item in items:
        if item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="PyTorch is not installed: pip install 'verinit[torch]'"))
