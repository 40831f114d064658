"""The front door behind ``train.py``: read, check, train, report."""

from __future__ import annotations

import sys

from agents.training.config import ConfigError, parse


def main(argv: list[str]) -> int:
    """Run a command line; returns the exit code (0 well, 1 a job failed, 2 a bad key, value or file)."""
    try:
        config, resume = parse(argv)
        # only now: importing torch takes longer than telling of a typo
        from agents.evaluation.trained import train_and_report
        from agents.messages import shown
        from agents.training.run import check, check_resumed, held, new_run

        check(config)
        if resume:
            check_resumed(config, resume)
        run = resume or new_run(config)
        with held(run), shown():
            return train_and_report(config, run, argv)
    except ConfigError as error:
        from sd_env.show import printable

        print(f"train.py: {printable(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:
        from agents.messages import refused_by_the_system

        print(f"train.py: {refused_by_the_system(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: interrupted; continue with --resume and the run's folder.", file=sys.stderr)
        return 130
