"""Train the worlds of an experiment and report what became of them.

    python train.py [--config configs/x.yaml] [--any.key value] [--resume RUN]

Without arguments: Jervis's four worlds (configs/four_worlds.yaml). ``--help`` lists every key.
Exit codes: 0 all well, 1 a job failed, 2 a bad key, value or file.
"""

from __future__ import annotations

import sys

from agents.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
