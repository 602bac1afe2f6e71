"""`ftarena export model`: the folder that is made, and everything that is no reason to leave half of one."""

import errno
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ftarena.arena.lineup import sync_lineup
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.export_model import arena_lines, export_model
from ftarena.processes import read_json, write_json
from ftarena.store import Store
from ftarena.training.runs import Run, find_run
from ftarena.training.shipping import exporting as shipping
from ftarena.training.shipping.model_card import CardFacts, write_card
from ftarena.workspace import Workspace

DATA = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project with a few small runs."""
    return Workspace(tmp_path_factory.mktemp("project") / ".ftarena").ensure()


@pytest.fixture(scope="module")
def trained(place: Workspace, tiny_model: Path, train_here: Callable[..., Run]) -> Callable[..., Run]:
    """A function that trains the tiny model for a few steps, once for the same keys."""
    made: dict[str, Run] = {}

    def train(name: str, **keys: Any) -> Run:
        if name not in made:
            said: dict[str, Any] = {
                "method": "sft",
                "model_name_or_path": tiny_model,
                "dataset": f"{DATA}/sft.jsonl#16",
                "eval_dataset": f"{DATA}/heldout.jsonl#4",
                "max_length": 128,
                "learning_rate": 0.02,
                "max_steps": 2,
                "save_steps": 1,
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 1,
            }
            made[name] = train_here(place, name=name, **said | keys)
            assert made[name].state == "finished", made[name].message
        return made[name]

    return train


def export(place: Workspace, run: Run, target: Path, **how: Any) -> dict[str, Any]:
    """Export and return what is recorded in the folder."""
    assert export_model(place, place.database, run.id, target, **how) == 0
    return read_json(target / shipping.RECORD)


def test_a_merged_model_has_all_it_needs(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command makes a folder with weights, tokenizer, template, end tokens, card and Modelfile."""
    run = trained("lora")
    target = tmp_path / "out" / "mine"
    record = export(place, run, target)
    assert "merged model" in capsys.readouterr().out
    assert {file.name for file in target.iterdir()} >= {
        *("model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "Modelfile"),
        *("tokenizer_config.json", "chat_template.jinja", "README.md", "recipe.resolved.yaml"),
    }
    assert record["agreement"]["largest_error"] < 1e-3
    assert (record["run"], record["form"], record["checkpoint"]) == (run.id, "merged", None)
    ends = read_json(run.directory / "environment.json")["end_token_ids"]
    eos = read_json(target / "generation_config.json")["eos_token_id"]
    assert set(ends) <= {*(eos if isinstance(eos, list) else [eos])}
    card = (target / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "transformers"
    lock = read_json(run.directory / "data.lock.json")
    for words in (lock["train"][0]["sha256"], "16 of 384", "held-out loss", run.id, "log-probabilities"):
        assert words in card
    modelfile = (target / "Modelfile").read_text()
    assert "FROM ." in modelfile
    assert 'PARAMETER stop "<|im_end|>"' in modelfile
    # It is made to be published: nothing in it tells whose machine it came from.
    for file in target.iterdir():
        if file.suffix in (".json", ".md", ".yaml", "") and file.name != "tokenizer.json":
            assert str(DATA.parent) not in file.read_text()
            assert str(tmp_path.parent) not in file.read_text()
    assert (target.stat().st_mode & 0o777) == 0o755
    assert not [other for other in target.parent.iterdir() if other != target]


def test_the_adapter_alone(place: Workspace, trained: Callable[..., Run], tmp_path: Path) -> None:
    """`--adapter` ships the run's own file; weakened it says so in its alpha."""
    run = trained("lora")
    record = export(place, run, tmp_path / "adapter", adapter_only=True, scale=0.5)
    assert record["form"] == "adapter"
    shipped, own = tmp_path / "adapter" / "adapter_model.safetensors", run.directory
    assert shipped.read_bytes() == (own / "adapter_model.safetensors").read_bytes()
    half = read_json(tmp_path / "adapter" / "adapter_config.json")
    assert half["lora_alpha"] == read_json(own / "adapter_config.json")["lora_alpha"] / 2
    assert "/" not in half["base_model_name_or_path"]
    assert "ADAPTER ." in (tmp_path / "adapter" / "Modelfile").read_text()
    assert not (tmp_path / "adapter" / "config.json").exists()


def test_a_checkpoint(place: Workspace, trained: Callable[..., Run], tmp_path: Path) -> None:
    """I ship the checkpoint that people liked, not the last one."""
    run = trained("lora")
    first = export(place, run, tmp_path / "first", adapter_only=True, checkpoint="1")
    assert first["checkpoint"] == 1
    assert "checkpoint at step 1" in (tmp_path / "first" / "README.md").read_text()
    shipped, kept = tmp_path / "first", run.directory / "checkpoint-1"
    assert shipped.joinpath("adapter_model.safetensors").samefile(kept / "adapter_model.safetensors")
    with pytest.raises(UsageError, match="has no checkpoint '7'") as caught:
        export(place, run, tmp_path / "other", checkpoint="7")
    assert "1, 2" in caught.value.hint


def test_whole_weights(place: Workspace, trained: Callable[..., Run], tmp_path: Path) -> None:
    """A run that trained all weights is shipped as it saved them, or in another number format."""
    run = trained("full", tuning="full", learning_rate=0.001)
    assert export(place, run, tmp_path / "full")["form"] == "model"
    assert (tmp_path / "full" / "model.safetensors").samefile(run.directory / "model.safetensors")
    narrow = export(place, run, tmp_path / "narrow", dtype="bfloat16")
    assert narrow["agreement"]["largest_error"] < 1e-3
    assert read_json(tmp_path / "narrow" / "config.json")["dtype"] == "bfloat16"
    halves = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "narrow")]
    assert halves[1] < 0.51 * halves[0]
    for impossible in ({"adapter_only": True}, {"scale": 0.5}):
        with pytest.raises(UsageError, match="whole weights"):
            export(place, run, tmp_path / "no", **impossible)


def test_what_lies_there_is_kept(place: Workspace, trained: Callable[..., Run], tmp_path: Path) -> None:
    """It never writes over something; `--force` replaces an export and nothing else."""
    run = trained("lora")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("ten years")
    for force in (False, True):
        with pytest.raises(UsageError, match="something else than an export"):
            export(place, run, mine, adapter_only=True, force=force)
    with pytest.raises(UsageError, match="the run's own folder"):
        export(place, run, run.directory / "export", adapter_only=True)
    made = tmp_path / "made"
    export(place, run, made, adapter_only=True)
    with pytest.raises(UsageError, match="is there already") as caught:
        export(place, run, made, adapter_only=True)
    assert "--force" in caught.value.hint
    assert export(place, run, made, adapter_only=True, scale=2, force=True)["scale"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "made"}


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), FtarenaError("no space left on the disk")])
def test_an_interrupted_export_leaves_nothing(
    place: Workspace,
    trained: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: BaseException,
) -> None:
    """Ctrl+c, or a full disk, half-way through: there is no folder that looks like a model."""
    run = trained("lora")

    def half_way(_: str, words: list[str], *__: object) -> dict[str, Any]:
        half = Path(words[words.index("--target") + 1])
        (half / "model.safetensors").write_bytes(b"half")
        raise trouble

    monkeypatch.setattr(shipping, "run_errand", half_way)
    with pytest.raises(type(trouble)):
        export(place, run, tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_export_left_is_cleared_away(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path
) -> None:
    """The power went during the last export; this one clears up after it, and leaves one under way alone."""
    dead, alive = tmp_path / ".mine.half-4194999", tmp_path / f".mine.half-{os.getppid()}"
    dead.mkdir()
    alive.mkdir()
    export(place, trained("lora"), tmp_path / "mine", adapter_only=True)
    assert not dead.exists()
    assert alive.exists()


def test_nothing_to_ship(place: Workspace, tmp_path: Path) -> None:
    """A reward model, a failed run and one under way each say what they are and what to do."""

    def laid(run_id: str, **status: Any) -> Run:
        folder = place.runs / run_id
        folder.mkdir(parents=True)
        write_json(folder / "status.json", {"name": run_id, "method": "sft", **status})
        return find_run(place, run_id)

    try:
        reward = laid("judge", method="reward", state="finished")
        (reward.directory / "model.safetensors").write_bytes(b"")
        with pytest.raises(FtarenaError, match="reward model: it scores answers"):
            export(place, reward, tmp_path / "x")
        failed = laid("broken", state="failed", message="loss is nan at step 3")
        with pytest.raises(FtarenaError, match="left no model: it is failed") as caught:
            export(place, failed, tmp_path / "x")
        assert "ftarena runs show" in caught.value.hint
        kept = failed.directory / "checkpoint-2"
        kept.mkdir()
        (kept / "adapter_model.safetensors").write_bytes(b"")
        with pytest.raises(FtarenaError) as caught:
            export(place, failed, tmp_path / "x")
        assert "--checkpoint 2" in caught.value.hint
    finally:
        for run_id in ("judge", "broken"):
            (place.runs / run_id / "status.json").unlink()


def test_options_that_exclude_each_other(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path
) -> None:
    """An option that would mean nothing is refused before anything is made."""
    run = trained("lora")
    with pytest.raises(UsageError, match="merges none"):
        export(place, run, tmp_path / "x", adapter_only=True, dtype="bfloat16")
    for scale in (0, -1, 1e300, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="is no factor above 0"):
            export(place, run, tmp_path / "x", scale=scale)
    with pytest.raises(UsageError, match="cannot be stored as 'int4'"):
        export(place, run, tmp_path / "x", dtype="int4")
    config = json.loads((run.directory / "adapter_config.json").read_text())
    dora = SimpleNamespace(
        id="d", method="sft", adapter=tmp_path, directory=place.root, model=None, tuning="dora"
    )
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    with pytest.raises(UsageError, match="cannot weaken a DoRA adapter"):
        shipping.export_model(dora, tmp_path / "x", scale=0.5)  # type: ignore[arg-type]  # the fake does


def test_the_card_says_what_people_preferred(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path
) -> None:
    """The votes are on the card: win rate, interval, how many."""
    run = trained("lora")
    with Store.open(tmp_path / "arena.db") as store:
        rows = sync_lineup(store, place)
        assert run.id in {row.run_id for row in rows}
        names = [row.name for row in rows if row.run_id in (run.id, None)]
    assert arena_lines(tmp_path / "none.db", run) == ()
    assert arena_lines(tmp_path / "arena.db", run) == ()
    lines = "".join(f"{names[1]},{names[0]},a,ann,question {n}\n" for n in range(8))
    votes = tmp_path / "votes.csv"
    votes.write_text("a,b,outcome,labeler,prompt\n" + lines + f"{names[1]},{names[0]},b,ann,last\n")
    from ftarena.plain.votes import import_votes

    import_votes(tmp_path / "arena.db", votes)
    (line,) = arena_lines(tmp_path / "arena.db", run)
    assert line.startswith(f"{names[1]} against {names[0]}: win rate 89 %, 95 % interval")
    assert "9 blind votes" in line
    assert arena_lines(tmp_path / "arena.db", run, step=1) == ()  # nobody has voted on that checkpoint


def test_a_torn_adapter_is_not_shipped(place: Workspace, trained: Callable[..., Run], tmp_path: Path) -> None:
    """Weights that a full disk cut are recognised, in either form, and a whole checkpoint is named."""
    run = trained("torn")
    weights = run.directory / "adapter_model.safetensors"
    content = weights.read_bytes()
    for torn in (content[:-100], content[:40], b"", content + b"\0"):
        weights.unlink()  # other names of the same bytes must stay whole
        weights.write_bytes(torn)
        for adapter_only in (True, False):
            with pytest.raises(FtarenaError, match=f"the adapter of {run.id} is torn") as caught:
                export(place, run, tmp_path / "x", adapter_only=adapter_only)
            assert caught.value.hint == "use --checkpoint 1 or 2"
    assert not any(tmp_path.iterdir())
    assert export(place, run, tmp_path / "x", adapter_only=True, checkpoint="2")["checkpoint"] == 2


def test_a_folder_that_cannot_be_made(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be made, or nothing fits, the target is named and not a file of the run."""
    run = trained("lora")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FtarenaError, match="file is no folder"):
        export(place, run, tmp_path / "file" / "sub", adapter_only=True)
    with pytest.raises(FtarenaError, match="/proc/x"):
        export(place, run, Path("/proc/x"), adapter_only=True)
    monkeypatch.setattr(shipping, "disk_free", lambda path: 1000)
    with pytest.raises(FtarenaError, match=r"out takes .* and 1\.0 kB are free on its disk"):
        export(place, run, tmp_path / "out")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(run.directory / "tokenizer.json"))

    monkeypatch.setattr(shipping, "disk_free", lambda path: 10**12)
    monkeypatch.setattr(shipping, "copy_small", full)
    with pytest.raises(FtarenaError, match=f"{tmp_path / 'out'}: no space left"):
        export(place, run, tmp_path / "out", adapter_only=True)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_ended_leaves_nothing(
    place: Workspace,
    trained: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """A closed terminal or a shutdown leaves no half folder, as ctrl+c does not."""

    def ended(*_: object) -> None:
        assert [file.name for file in tmp_path.iterdir()] == [f".out.half-{os.getpid()}"]
        signal.raise_signal(number)

    monkeypatch.setattr(shipping, "write_adapter", ended)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup a hang-up would be ignored, and rightly
    try:
        with pytest.raises(SystemExit) as caught:
            export(place, trained("lora"), tmp_path / "out", adapter_only=True)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert caught.value.code == 128 + number
    assert not any(tmp_path.iterdir())


def test_the_card_tells_what_a_hub_can_read(
    place: Workspace, trained: Callable[..., Run], tmp_path: Path
) -> None:
    """The card counts the epochs that were trained, and names the demo's base and licence as a hub does."""
    run = trained("lora")
    export(place, run, tmp_path / "mine", adapter_only=True)
    card = (tmp_path / "mine" / "README.md").read_text()
    assert "- trained for: 0.5 epochs, 2 steps\n" in card, "two batches of four of sixteen examples"
    assert "- steps at most: 2\n" in card and "- epochs:" not in card
    facts = CardFacts("x", "merged", None, 1.0, "as-base", None, None, ())
    write_card(tmp_path, replace(run, base_model="demo:smollm2"), facts)
    front = yaml.safe_load((tmp_path / "README.md").read_text().split("---\n")[1])
    assert front["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert front["license"] == "apache-2.0"
