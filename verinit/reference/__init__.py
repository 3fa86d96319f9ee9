"""What is true: initialisers, activations, layers and networks in compact NumPy.

Nothing here knows what is predicted of it: `verinit.laws` is the other witness, and neither imports
the other. Arrays keep the floating dtype they come in; float64 is the default.
"""
