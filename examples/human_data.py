"""Data of people: logs of `sd-env play` and `sd-env serve` as rows to learn from, and a policy that imitates them.

python -m examples.human_data [--smoke] [--logs FOLDER --seat NAME]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

import agents
import sd_env
from agents.table.play import play
from examples import say
from sd_env.record import EpisodeLog, read_log, record, verify, write_log


def decisions(log: EpisodeLog, seat: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What a state saw, what it could do and what it did, on every turn on which it stood.

    The episode is played again by its seed and its actions, so that logs without observations serve as well.
    """
    place = log.scenario.agents.index(seat)
    worlds = sd_env.Worlds(log.scenario, seed=log.seed, first_world=log.world)
    for _ in range(log.episode):
        worlds.reset()
    for actions in log.actions:
        if worlds.states["standing"][0, place]:
            yield worlds.observations[0, place].copy(), worlds.masks[0, place].copy(), actions[place].copy()
        worlds.step(actions[None])


class Imitator(nn.Module):
    """A network that chooses as the data do; a policy like any other."""

    name, memory = "imitator", 0

    def __init__(self, columns: int, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes
        self.net = nn.Sequential(nn.Linear(columns, 64), nn.Tanh(), nn.Linear(64, sum(sizes)))

    def logits(self, seen: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """Logits of each head, illegal choices at -1e9."""
        numbers = self.net(seen.sign() * seen.abs().log1p())
        return list(numbers.masked_fill(mask == 0, -1e9).split(self.sizes, dim=1))

    def reset(self, seed: int | None = None) -> None:
        """Nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The most likely choice of each head, int64 `(K, heads)`."""
        with torch.no_grad():
            logits = self.logits(torch.from_numpy(observation), torch.from_numpy(mask))
        return torch.stack([head.argmax(1) for head in logits], dim=1).numpy()


def main() -> None:
    """Read the logs, imitate, and let the imitator play."""
    words = sys.argv[1:]
    logs = Path(words[words.index("--logs") + 1]) if "--logs" in words else None
    seat = words[words.index("--seat") + 1] if "--seat" in words else "state_0"
    smoke = "--smoke" in words
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as made:
        if logs is None:  # nobody has played yet: a script sits in the place of a person
            for number in range(4 if smoke else 40):
                cast = [agents.make("tit-for-tat"), sd_env.RandomPolicy(number)]
                write_log(Path(made) / f"{number}.jsonl", record(say.SCENARIO, cast, seed=number))
        files = sorted((logs or Path(made)).glob("*.jsonl*"))
        assert all(verify(path) for path in files[:4])
        read = [read_log(path) for path in files]
    rows = [decision for log in read for decision in decisions(log, seat)]
    seen, masks, chosen = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    scenario = read[0].scenario
    imitator = Imitator(seen.shape[1], list(scenario.heads.sizes))
    optimizer = torch.optim.Adam(imitator.parameters(), lr=3e-3)
    for _ in range(50 if smoke else 1000):
        heads = imitator.logits(seen, masks)
        loss = sum(nn.functional.cross_entropy(head, chosen[:, k]) for k, head in enumerate(heads))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    alike = (imitator.act(seen.numpy(), masks.numpy()) == chosen.numpy()).mean()
    earned = play(scenario, imitator, worlds=64, seed=1)["return_0"].mean()
    print(f"{len(rows)} decisions; {alike:.1%} of choices as in the data; among itself it earns {earned:.1f}")
    if not smoke and alike < 0.95:
        raise SystemExit("the imitator does not choose as the data do")
    say.works(f"logs read, verified, and imitated: {alike:.0%} of choices as in the data")


if __name__ == "__main__":
    main()
