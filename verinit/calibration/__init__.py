"""Is the tool itself right: its false alarms and its power, measured; the result ships with the package.

`record` and `exhibits` read what was measured and need no numeric library; everything else measures.
"""
