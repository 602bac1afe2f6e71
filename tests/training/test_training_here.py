"""A run as a whole, in this process, on a model that takes milliseconds."""

import struct
from collections.abc import Callable
from pathlib import Path

from ftarena.training.runs import Run, RunState, read_metrics
from ftarena.workspace import Workspace

DATA = Path(__file__).parents[2] / "data" / "demo"


def test_a_small_run_learns(workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run]) -> None:
    """From a recipe to an adapter: the loss falls and what PEFT loads is there."""
    run = train_here(
        workspace,
        method="sft",
        model_name_or_path=tiny_model,
        dataset=f"{DATA}/sft.jsonl#32",
        learning_rate=0.02,
        max_length=256,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
    )
    assert run.state is RunState.FINISHED, run.message
    losses = [row["loss"] for row in read_metrics(run) if "loss" in row]
    assert len(losses) == 4 and losses[-1] < losses[0]
    assert (run.directory / "adapter_model.safetensors").is_file()


def test_tensorboard_sees_the_losses(
    workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run]
) -> None:
    """`report_to: tensorboard` works with what `make setup` installs; its files lie in the run's folder."""
    from tensorboardX.proto.event_pb2 import Event

    run = train_here(
        workspace,
        method="sft",
        model_name_or_path=tiny_model,
        dataset=f"{DATA}/sft.jsonl#16",
        report_to="tensorboard",
        max_length=256,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
    )
    assert run.state is RunState.FINISHED, run.message
    (file,) = run.directory.rglob("events.out.tfevents.*")
    raw, at, seen = file.read_bytes(), 0, {}
    while at < len(raw):  # TFRecord: a length, its checksum, the event, its checksum
        (length,) = struct.unpack_from("<Q", raw, at)
        event = Event.FromString(raw[at + 12 : at + 12 + length])
        at += 12 + length + 4
        seen |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
    losses = {row["step"]: row["loss"] for row in read_metrics(run) if "loss" in row}
    assert len(losses) == 2
    for step, loss in losses.items():
        assert abs(seen["train/loss", step] - loss) < 1e-3
