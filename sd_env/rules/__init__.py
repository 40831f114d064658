"""The rules of the game, one module a rule, in turn order; ``turn.py`` is the table of contents.

Each rule is scalar Python over the records of one world (``layout.py``), compiled by numba and allocating nothing.
In every signature ``p`` are the world's parameters, ``w`` the world, ``s`` its states and ``r`` its ordered pairs:
``r[i, j]`` is what i does to, or holds toward, j. With ``NUMBA_DISABLE_JIT=1`` the same code runs as plain Python.
"""
