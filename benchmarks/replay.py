"""What replay does against forgetting: the demo's SFT with a growing share of general examples.

    python benchmarks/replay.py GENERAL_EXAMPLES [--ratios 0 0.1 0.3] [--home FOLDER]

Every run is that of `configs/demo-sft.yaml`, with `replay_dataset` and `replay_ratio` (and room for longer
examples). Its loss is measured before and after, once on `data/demo/heldout.jsonl` (what it is to learn) and
once on `data/demo/general.jsonl` (what it should not forget). One JSON line a run, each of some minutes on
two cores.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from ftarena.recipes.load import load_recipe
from ftarena.training.jobs import find_run, start_run
from ftarena.training.runs import Run, read_metrics
from ftarena.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "configs" / "demo-sft.yaml"


def main() -> None:
    """Train at each ratio, and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("general", type=Path, help="examples to replay, in any shape")
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--model", default=None, help="default: the recipe's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace((options.home or Path(folder)) / ".ftarena").ensure()
        for ratio in options.ratios:
            for measured in ("heldout", "general"):
                given = {"eval_dataset": f"[{ROOT / 'data' / 'demo' / measured}.jsonl]"}
                given |= {"eval_steps": "null", "max_length": "512", "too_long": "drop"}
                if ratio:
                    given |= {"replay_dataset": f"[{options.general}]", "replay_ratio": str(ratio)}
                if options.model:
                    given["model_name_or_path"] = options.model
                run = finished(workspace, given)
                losses = [row["eval_loss"] for row in read_metrics(run) if "eval_loss" in row]
                print(
                    json.dumps(
                        {
                            "replay_ratio": ratio,
                            "measured": measured,
                            "before": round(losses[0], 3),
                            "after": round(losses[-1], 3),
                            "steps": run.step,
                        }
                    ),
                    flush=True,
                )


def finished(workspace: Workspace, given: dict[str, str]) -> Run:
    """Start a run and wait for its end."""
    run = start_run(load_recipe(RECIPE, given), workspace, RECIPE)
    while not run.state.ended:
        time.sleep(1)
        run = find_run(workspace, run.id)
    if run.state != "finished":
        raise SystemExit(f"{run.id}: {run.state}: {run.message}")
    return run


if __name__ == "__main__":
    main()
