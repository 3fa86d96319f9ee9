"""verinit finds out whether what people believe about initial weights is true of the code they run."""

__version__ = "0.1.0"
