"""Votes that come and go: what the commands say, and the files they leave."""

import hashlib
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ftarena.cli.main import app
from ftarena.errors import FtarenaError
from ftarena.plain import export_votes as exporting
from ftarena.plain import votes
from ftarena.store import Outcome, Store


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Twelve imported votes without texts."""
    file = tmp_path / "votes.csv"
    rows = ["a,b,outcome"] + ["base,sft,b"] * 8 + ["base,sft,a"] * 2 + ["base,sft,tie", "base,sft,both_bad"]
    file.write_text("\n".join(rows) + "\n")
    votes.import_votes(tmp_path / "arena.db", file)
    return tmp_path / "arena.db"


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    """Two labelers' votes on ten prompts, with texts."""
    path = tmp_path / "voted.db"
    with Store.open(path) as store:
        for number in range(10):
            [prompt] = store.add_prompts([([("user", f"question {number}?")], None)], "heldout")
            sides = []
            for name in ("base", "sft"):
                row = store.add_contestant(name, contestant_id=f"{name:_>16}", spec_json="{}", kind="base")
                sides.append((row.id, store.add_answer(row.id, prompt, f"{name} on {number}")))
            said: list[tuple[str, Outcome]] = [("ana", "right"), ("bo", "right" if number else "both_bad")]
            for labeler, outcome in said:
                battle = store.ballots.add_battle(labeler, prompt_id=prompt, left=sides[0], right=sides[1])
                store.ballots.add_event(battle, labeler, "vote", outcome=outcome, elapsed_ms=900)
    return path


def ftarena(*words: str | Path) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, [str(word) for word in words])


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_importing_says_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first import says how many and who is new, the second that they were there."""
    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome\nbase,sft,a\nbase,sft,a\n")
    votes.import_votes(tmp_path / "arena.db", file)
    assert capsys.readouterr().out == "2 votes added; new: base, sft.\n"
    votes.import_votes(tmp_path / "arena.db", file)
    assert capsys.readouterr().out == "0 votes added, 2 were there already.\n"


def test_exports_go_to_files_or_pipes(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data goes to standard output or a private file, counts to standard error."""
    exporting.export_votes(board, None, "csv")
    captured = capsys.readouterr()
    assert captured.out.startswith("a,b,outcome,labeler,prompt\nbase,sft,b,imported,")
    assert captured.err == "12 votes written.\n"
    file = tmp_path / "out.csv"
    exporting.export_votes(board, file, "csv")
    assert file.read_text() == captured.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    capsys.readouterr()
    exporting.export_examples(board, None, "dpo")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "0 pairs from 12 votes.\nLeft out: 12 imported votes without texts.\n"


def test_a_device_is_written_to_and_not_replaced(board: Path) -> None:
    """`-o /dev/null` leaves /dev/null what it is."""
    null = Path("/dev/null")
    exporting.export_votes(board, null, "jsonl")
    assert null.is_char_device()


def test_what_cannot_be_exported(board: Path, tmp_path: Path) -> None:
    """A missing arena, an unknown form and a folder that is not there are one message each."""
    for act, words in (
        (lambda: exporting.export_votes(tmp_path / "none.db", None, "csv"), "no arena at"),
        (lambda: exporting.export_examples(tmp_path / "none.db", None, "dpo"), "no arena at"),
        (lambda: exporting.export_votes(board, None, "xlsx"), "'xlsx'"),
        (lambda: exporting.export_examples(board, tmp_path / "none" / "out.jsonl", "dpo"), "cannot write"),
    ):
        with pytest.raises(FtarenaError, match=words) as caught:
            act()
        assert caught.value.hint
    assert not (tmp_path / "none.db").exists()


def test_an_export_that_fails_leaves_the_old_file(
    board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was there stays whole until the new one is."""
    file = tmp_path / "out.csv"
    file.write_text("precious")

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_votes", fail)
    with pytest.raises(FtarenaError, match="No space left"):
        exporting.export_votes(board, file, "csv")
    assert file.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arena.db", "out.csv", "votes.csv"]


def test_pairs_in_two_files_with_a_manifest(voted: Path, tmp_path: Path) -> None:
    """Some prompts are held out in a file of their own, and the manifest says what both were made of."""
    done = ftarena("export", "dpo", "-o", tmp_path / "pairs.jsonl", "--hold-out", "0.3", "--db", voted)
    assert done.exit_code == 0, done.output
    train, held = lines(tmp_path / "pairs.train.jsonl"), lines(tmp_path / "pairs.heldout.jsonl")
    assert len(train) + len(held) == 10
    assert not {str(row["prompt"]) for row in train} & {str(row["prompt"]) for row in held}
    manifest = json.loads((tmp_path / "pairs.manifest.json").read_text())
    assert manifest["votes"]["number"] == 19
    assert manifest["hold_out"] == {"share": 0.3, "seed": 42, "by": "prompt"}
    assert manifest["examples"]["dpo"]["account"]["both_bad"] == 1
    for name, about in manifest["files"].items():
        content = (tmp_path / name).read_bytes()
        assert about["sha256"] == hashlib.sha256(content).hexdigest()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    before = (tmp_path / "pairs.manifest.json").read_bytes()
    ftarena("export", "dpo", "-o", tmp_path / "pairs.jsonl", "--hold-out", "0.3", "--db", voted)
    assert (tmp_path / "pairs.manifest.json").read_bytes() == before
    assert "19 votes" not in done.output
    assert "10 pairs from 20 votes.\nLeft out: 1 both bad." in done.output


def test_answers_labelled_for_kto(voted: Path, tmp_path: Path) -> None:
    """Where one found both bad and one preferred it, a label has no majority and is left out."""
    done = ftarena("export", "kto", "-o", tmp_path / "kto.jsonl", "--db", voted)
    rows = lines(tmp_path / "kto.jsonl")
    assert [row["label"] for row in rows].count(True) == 9
    assert [row["label"] for row in rows].count(False) == 10
    assert "9 good and 10 bad answers from 20 votes to" in done.output
    assert "1 answer with as many votes either way" in done.output


def test_what_is_asked_for_is_counted(voted: Path) -> None:
    """Filters narrow the votes, and every vote is accounted for."""
    done = ftarena("export", "dpo", "--labeler", "bo", "--db", voted)
    assert done.stderr == "9 pairs from 20 votes.\nLeft out: 1 both bad, 10 votes that were not asked for.\n"
    done = ftarena("export", "dpo", "--agreement", "0.7", "--db", voted)
    assert done.stderr.endswith("Left out: 1 both bad, 1 pair with too little agreement.\n")
    done = ftarena("export", "dpo", "--margin", "2", "--db", voted)
    assert done.stderr.endswith("Left out: 1 both bad, 1 pair with too small a margin.\n")
    done = ftarena("export", "csv", "--labeler", "bo", "--since", "2020-01-01", "--db", voted)
    assert len(done.stdout.splitlines()) == 11


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["dpo", "--agreement", "7"], "no share of votes"),
        (["dpo", "--margin", "0"], "a margin of 0 votes"),
        (["dpo", "--hold-out", "0.1"], "needs a file of its own"),
        (["kto", "-o", "{}/x.jsonl", "--hold-out", "1"], "cannot be held out"),
        (["csv", "--since", "yesterday"], "--since cannot be"),
        (["hf", "-o", "{}"], "is there already"),
        (["hf", "-o", "{}/hf", "--category", "code"], "category"),
        (["hf", "-o", "{}/hf", "--until", "2000-01-01"], "no pair and no labelled answer"),
        (["dpo", "--labeler", "nobody"], "nobody"),
        (["csv", "--contestant", "stf"], "stf"),
    ],
)
def test_what_is_asked_wrongly_is_one_message(
    voted: Path, tmp_path: Path, words: list[str], what: str
) -> None:
    """A value that makes no sense is said, with what would."""
    done = ftarena("export", *(word.format(tmp_path) for word in words), "--db", voted)
    assert done.exit_code
    error = done.exception
    assert isinstance(error, FtarenaError)
    assert what in str(error)
    assert error.hint


def test_trl_reads_pairs_and_labels_as_they_are(
    voted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`datasets.load_dataset` reads the folder, and TRL sees conversations of the right type in it."""
    done = ftarena("export", "hf", "-o", tmp_path / "set", "--hold-out", "0.3", "--db", voted)
    assert done.exit_code == 0, done.output
    again = ftarena("export", "hf", "-o", tmp_path / "set", "--hold-out", "0.3", "--db", voted)
    assert again.exit_code == 0, again.output
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets
    from trl.data_utils import is_conversational, maybe_extract_prompt

    where = {"cache_dir": str(tmp_path / "cache")}
    pairs = datasets.load_dataset(str(tmp_path / "set"), **where)  # the default
    assert pairs.keys() == {"train", "test"}
    assert pairs["train"].column_names == ["prompt", "chosen", "rejected", "votes"]
    row = pairs["train"][0]
    assert is_conversational(row)
    assert maybe_extract_prompt(row) == row
    labels = datasets.load_dataset(str(tmp_path / "set"), "kto", **where)
    assert labels["train"].column_names == ["prompt", "completion", "label", "votes"]
    assert labels["train"].features["label"].dtype == "bool"
    assert is_conversational(labels["train"][0])


def test_votes_go_to_lmarenas_format_and_back(voted: Path, tmp_path: Path) -> None:
    """Battles for FastChat, read into an empty arena, give the same battles; read here they are no news."""
    battles = tmp_path / "battles.json"
    assert ftarena("export", "votes", "--format", "lmarena", "-o", battles, "--db", voted).exit_code == 0
    first = json.loads(battles.read_text())[0]
    assert first.keys() == {
        "question_id", "model_a", "model_b", "winner", "judge", "conversation_a", "conversation_b", "turn",
        "anony", "tstamp",
    }  # fmt: skip
    assert first["conversation_b"][-1] == {"role": "assistant", "content": "sft on 0"}
    assert "0 votes added, 20 were there already" in ftarena("votes", "import", battles, "--db", voted).stdout
    other = tmp_path / "other.db"
    assert "20 votes added" in ftarena("votes", "import", battles, "--db", other).stdout
    back = tmp_path / "back.json"
    ftarena("export", "votes", "--format", "lmarena", "-o", back, "--db", other)
    assert back.read_bytes() == battles.read_bytes()


def test_everything_goes_out_and_comes_back(voted: Path, tmp_path: Path) -> None:
    """JSONL with all texts, read into an empty arena, gives the same pairs; here it is no news."""
    file = tmp_path / "all.jsonl"
    ftarena("export", "jsonl", "-o", file, "--db", voted)
    row = lines(file)[0]
    assert (row["scored"], row["labeler_kind"], row["weight"], row["criteria"]) == (True, "human", 1.0, {})
    assert "0 votes added, 20 were there already" in ftarena("votes", "import", file, "--db", voted).stdout
    other = tmp_path / "other.db"
    assert "20 votes added" in ftarena("votes", "import", file, "--db", other).stdout
    assert ftarena("export", "dpo", "--db", other).stdout == ftarena("export", "dpo", "--db", voted).stdout


def test_merging_says_what_came(voted: Path, tmp_path: Path) -> None:
    """New votes, contestants and names are said, and a second merge adds nothing."""
    mine = tmp_path / "mine.db"
    with Store.open(mine) as store:
        store.add_contestant("base", contestant_id="f" * 16, spec_json="{}", kind="base")
    done = ftarena("votes", "merge", voted, "--db", mine)
    assert done.stdout == (
        "20 votes, 10 prompts and 20 answers added.\n"
        "New contestants: base@______, sft.\n"
        "New labelers: ana, bo.\n"
        "base is called base@ffffff now, since another one is called that too.\n"
    )
    done = ftarena("votes", "merge", voted, "--db", mine)
    assert done.stdout == "0 votes, 0 prompts and 0 answers added.\n"
    assert json.loads(ftarena("votes", "merge", voted, "--json", "--db", mine).stdout)["votes"] == 0


def test_six_orders_print_the_same_scores(voted: Path, board: Path, tmp_path: Path) -> None:
    """Three arenas merged in all six orders: the same bytes of `score --json`."""
    from itertools import permutations

    third = tmp_path / "third.db"
    with Store.open(third) as store:
        store.add_contestant("base", contestant_id="e" * 16, spec_json="{}", kind="base")
    printed = set()
    for number, (one, *others) in enumerate(permutations([voted, board, third])):
        path = tmp_path / f"merged-{number}.db"
        for other in (one, *others):
            assert ftarena("votes", "merge", other, "--db", path).exit_code == 0
        printed.add(ftarena("score", "--json", "--db", path).stdout)
    [only] = printed
    assert json.loads(only)["votes"] == 32
