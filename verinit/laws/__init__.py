"""What is predicted: published schemes, their laws, the known mistakes, the signal they carry.

Nothing here sees an implementation: this floor is the second witness beside `verinit.reference`.
"""
