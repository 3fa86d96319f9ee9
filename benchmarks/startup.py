"""What verinit costs where it is not used: CPU of `verinit --help`, and of its plugin in a session of pytest.

    python benchmarks/startup.py [ROUNDS]

In turn, and the median counts: a start of bare Python; the help page, over the start before it; and the
plugin, imported and registered after pytest itself is loaded, on the clock of its own process, because two
sessions of half a second cannot be told apart to a few milliseconds.

The limits are 150 ms and 30 ms where bare Python takes 15 ms of CPU, so they are 10 and 2 starts: a machine
that is slow, or busy, is slow at both, and the ratio stays. Where Python itself starts faster than that the
limits stay: a start that short is mostly the kernel's, and says less of the rest. Medians, because another
program's turn on the core only ever adds. Compiled files are kept in a folder of the benchmark's own, as an
installation would keep them; the first round writes them and does not count. Exit 1 when a limit is exceeded.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

BARE_MS = 15.0
LIMITS_MS = {"verinit --help": 150.0, "pytest plugin": 30.0}
ROUNDS = 15
ROOT = Path(__file__).resolve().parents[1]
UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
BARE = "pass"
HELP = "from verinit.cli import main; main(['--help'])"
PLUGIN = """
import time, pytest
manager = pytest.PytestPluginManager()
before = time.process_time()
manager.import_plugin("verinit.pytest_plugin")
print(1e3 * (time.process_time() - before))
assert manager.has_plugin("verinit.pytest_plugin")
"""


def run(code: str, folder: str) -> tuple[float, str]:
    """Milliseconds of CPU, user and system, of one Python process in an empty folder; and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    after = getrusage(RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{code} failed:\n{done.stderr}{done.stdout}")
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), done.stdout


def measured(rounds: int) -> tuple[float, dict[str, float]]:
    """Medians: a start of bare Python, and what each face adds to what is there anyway."""
    starts, over = [], {name: [] for name in LIMITS_MS}
    with tempfile.TemporaryDirectory() as folder:
        for count in range(rounds + 1):
            start, page = run(BARE, folder)[0], run(HELP, folder)[0]
            plugin = float(run(PLUGIN, folder)[1])
            if count:
                starts.append(start)
                over["verinit --help"].append(page - start)
                over["pytest plugin"].append(plugin)
    return statistics.median(starts), {name: statistics.median(found) for name, found in over.items()}


def main(rounds: int) -> int:
    start, over = measured(rounds)
    print(f"bare Python {start:.1f} ms of CPU ({sys.version.split()[0]}, medians of {rounds} rounds)")
    slow = 0
    for name, cost in over.items():
        allowed = LIMITS_MS[name] * max(1.0, start / BARE_MS)
        slow += cost > allowed
        verdict = "TOO SLOW, " if cost > allowed else ""
        print(f"{name}: {cost:.1f} ms more, {cost / start:.1f} starts ({verdict}allowed {allowed:.0f} ms)")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
