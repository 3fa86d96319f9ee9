"""The program, and a module of initializers as people write them, in a folder of one test's own."""

import pytest

from verinit.cli import main

NET = '''
"""Initializers as people write them."""

import numpy as np

NUMBER = 3


class Maker:
    pass


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))


def chapter(shape, rng):
    return rng.standard_normal(shape) * 2 / np.sqrt(np.prod(shape[:-1]))


def fixed(shape, rng):
    return he(shape, np.random.default_rng(0))


def kernels(shape, rng):
    if len(shape) < 3:
        raise ValueError("kernels only")
    return he(shape, rng)
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, which holds one module: the user's own."""
    (tmp_path / "cli_net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "cli_broken.py").write_text("import a_module_that_nobody_has\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def verinit(here, capsys):
    """The program: words in, exit code and what it printed out."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run
