"""``sd-env check-policy``: whether a policy plays by the rules that the numbers stand on, check by check."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict

from agents.commands.options import add_overrides, add_trust, whole

HELP = "try a policy: legality, chance, memory, whether it reads across seats and worlds, speed; a sentence each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("policy", metavar="POLICY", help="a strategy's name, or the path of a bundle, as for evaluate")
    add_trust(parser)
    default = "jervis/doubly-dangerous"
    parser.add_argument("--scenario", default=default, metavar="S", help=f"where it plays; default {default}")
    add_overrides(parser)
    parser.add_argument("--worlds", type=whole, default=16, metavar="N", help="that it plays, at least 2; default 16")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a sentence for each check; returns 0 if none found a fault, else 1."""
    from agents.evaluation.policy_checks import examine
    from agents.policies.specs import check_fits, policy_from
    from sd_env.errors import printable
    from sd_env.policies import PolicyError
    from sd_env.scenario import Scenario

    if args.worlds < 2:
        raise PolicyError(f"--worlds {args.worlds} is not allowed; at least 2 are needed.")
    scenario = Scenario.load(args.scenario, dict(args.overrides))
    check_fits(policy_from(args.policy, trust=args.trust), scenario, args.policy)
    found = examine(lambda: policy_from(args.policy, trust=args.trust), scenario, worlds=args.worlds)
    if args.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            head = f"{'fault' if finding.fault else 'fine':<7}{finding.check:<10}"
            print(textwrap.fill(printable(finding.sentence), 100, initial_indent=head, subsequent_indent=" " * 17))
    return int(any(finding.fault for finding in found))
