"""How sure we may be: tests that are exact or proven bounds, what each could have seen, and how many
draws it needs. Always a triple: test, resolution, samples.

Nothing here knows a law by name: it is handed numbers, scores or nodes.
"""
