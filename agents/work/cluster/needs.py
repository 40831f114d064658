"""What a unit takes of a node while it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Needs:
    """What a node must have left for a unit.

    Attributes:
        cpus: cores; a unit uses one unless it is trained with more threads.
        gpus: GPUs, for training with ``device: cuda``; 0.5 puts two units on one.
        memory: GB.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    memory: float = 0.0

    def options(self) -> dict[str, float]:
        """The same as Ray has it."""
        memory = {"memory": int(self.memory * 1e9)} if self.memory else {}
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, **memory}

    def fit(self, has: Mapping[str, float]) -> int:
        """How many units a node does at a time, by what Ray says that it has."""
        asked = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory * 1e9}
        return min(int(has.get(name, 0.0) / size) for name, size in asked.items() if size)

    def __str__(self) -> str:
        return ", ".join(f"{each.name} {size:g}" for each in fields(self) if (size := getattr(self, each.name)))
