"""``sd-env export``: a trained policy as ONNX, as a torch file, or from a zip as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.commands.options import add_overrides, add_trust

HELP = "write a trained policy as ONNX or for torch, or turn a zip of stable-baselines3 into a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("policy", metavar="POLICY", help="a bundle, the folder of a run or job with one, or an SB3 zip")
    parser.add_argument("--onnx", metavar="FILE.onnx", help="write it as ONNX (needs the extra onnx)")
    parser.add_argument("--torch", metavar="FILE.pt2", help="write it for torch.export.load")
    parser.add_argument("--bundle", metavar="DIR.sd", help="write it as a bundle; one that is there is replaced")
    parser.add_argument("--scenario", metavar="S", help="where a zip's policy was trained: catalogue name or YAML path")
    add_overrides(parser)
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Write what is asked for, and print where.

    Raises:
        PolicyError: if nothing is, or the policy cannot be loaded or written.
        ScenarioError: if the scenario cannot be loaded.
    """
    from sd_env.policies import PolicyError

    if not (args.onnx or args.torch or args.bundle):
        raise PolicyError("nothing to write: give --onnx FILE.onnx, --torch FILE.pt2 or --bundle DIR.sd.")
    if args.overrides and not args.scenario:
        raise PolicyError("--overrides goes with --scenario, whose values it replaces.")
    from agents.policies.bundles import LearnedBundle, import_zip
    from agents.policies.export import save_torch, to_onnx
    from agents.policies.specs import policy_from
    from sd_env.scenario import Scenario

    if Path(args.policy).suffix == ".zip":
        if args.bundle and not args.scenario:
            raise PolicyError("a bundle holds its scenario: name the one of the training with --scenario.")
        scenario = Scenario.load(args.scenario, dict(args.overrides)) if args.scenario else None
        name = Path(args.bundle).stem if args.bundle else None
        policy = import_zip(args.policy, scenario, trust=args.trust, name=name)
    else:
        if args.scenario or args.trust:
            raise PolicyError("--scenario and --trust go with a zip: a bundle has its scenario and runs no code.")
        found = policy_from(args.policy)
        if not isinstance(found, LearnedBundle):
            raise PolicyError(f"{args.policy} is a strategy, but only a trained policy can be exported.")
        policy = found
    for path, write in ((args.onnx, to_onnx), (args.torch, save_torch), (args.bundle, LearnedBundle.save)):
        if path:
            print(write(policy, path))
    return 0
