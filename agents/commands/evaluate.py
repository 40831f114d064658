"""``sd-env evaluate``: how policies do in a scenario, with intervals, their outcome, and theory's prediction."""

from __future__ import annotations

import argparse

from agents.commands.options import (
    add_policies,
    add_scenario,
    add_sizes,
    add_work,
    command_line,
    settings,
    whole,
)

HELP = "play policies in a scenario: attacks, arms and welfare with intervals, the outcome, and what theory predicts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_policies(parser, "bundles that differ in their training seeds alone count as one policy")
    add_scenario(parser)
    parser.add_argument("--against", metavar="POLICY", help="who holds the other seats; default the policy itself")
    add_sizes(parser)
    parser.add_argument("--log", type=whole, default=0, metavar="N", help="keep N episode logs a policy, in DIR/logs")
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation import predictions
    from agents.evaluation.evaluate import evaluate_policies, summarise
    from agents.evaluation.speakers import with_speakers
    from agents.evaluation.tables import evaluation_table, judged, outcomes, records, theory_of
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    frame = evaluate_policies(
        args.policies,
        scenario,
        against=args.against,
        log=args.log,
        **settings(args),
    )
    summary = summarise(frame)
    against = str(frame["against"].iloc[0])
    predicted, unchanged = theory_of(scenario)
    found = judged(summary, scenario, against)
    report = {
        **command_line("evaluate", args),
        "theory": {"predicts": predicted, "of_this_very_scenario": unchanged},
        "outcomes": outcomes(summary),
        "predictions": predictions.records(each for some in found.values() for each in some),
        "metrics": records(summary),
    }
    title = scenario.title or scenario.name
    report, shown = with_speakers(frame, report, evaluation_table(title, summary, scenario, against))
    publish(shown, report, args.out, args.json)
    return 0
