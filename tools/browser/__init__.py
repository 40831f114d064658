"""The game in a browser: the rules as WebAssembly from numba's own LLVM code, scripted policies, and a page to play on.

``python -m tools.browser -o DIR`` writes the pages; ``make docs`` puts them into the book. docs/browser.md says what is
the same there to the bit, and how that is known.
"""
