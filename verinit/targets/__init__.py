"""Whose code is examined: what people have, adapted to the vocabulary's Protocols, and found by name.

    target(obj, scheme="he_normal")    an object in hand
    resolve("torch:kaiming_normal_")   a word from the command line, from an id or from a configuration
    families()                         words that stand for many targets

A framework is imported only in its own module here, and only when one of its targets is asked for.
"""

from verinit.targets.adaptation import target
from verinit.targets.words import families, resolve

__all__ = ["families", "resolve", "target"]
