"""The textbook chapter under examination: its experiment, its 28 claims, and a ruling on each."""

from verinit.textbook.claims import CLAIMS
from verinit.textbook.ledgers import EXAMINED, TRAINED, Ledger, ledger, rule

__all__ = ["CLAIMS", "EXAMINED", "TRAINED", "Ledger", "ledger", "rule"]
