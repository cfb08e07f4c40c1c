"""What clients of a counter did and saw, and the invariants that must hold. Pure.

`counter load` and `make soak` record such a history and check it.
"""
