"""The version of sd-env: pyproject.toml's, which a test compares."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
