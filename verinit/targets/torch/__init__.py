"""PyTorch: the only package here that imports torch, and only when something in it is called."""
