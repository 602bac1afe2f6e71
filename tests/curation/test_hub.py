"""Data sets of the hub: real `huggingface_hub`, and a server of our own in the place of the hub."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.hub import Listing, pick_files
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Row, read_rows
from ftarena.curation.sources import Columns
from ftarena.errors import FtarenaError

constants = pytest.importorskip("huggingface_hub.constants")

SHA = "0123456789abcdef0123456789abcdef01234567"
LINE = json.dumps({"prompt": "a", "completion": "b"}) + "\n"


@dataclass
class Hub:
    """What the server has, and what was asked of it."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    code: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            hub.asked.append(self.path)
            name = self.path.partition(f"/resolve/{SHA}/")[2]
            status, content = hub.status, b"{}"
            if status == 200 and self.path.startswith("/api/datasets/org/name"):
                siblings = [{"rfilename": file} for file in hub.files]
                content = json.dumps(
                    {"id": "org/name", "sha": SHA, "siblings": siblings, "cardData": hub.card, "tags": []}
                ).encode()
            elif status == 200 and name in hub.files:
                content = hub.files[name]
            elif status == 200:
                status, content = 404, b"{}"
            self.send_response(status)
            if hub.code:
                self.send_header("X-Error-Code", hub.code)
            self.send_header("X-Repo-Commit", SHA)
            self.send_header("ETag", f'"{abs(hash(content)):x}"')
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    hub.url = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("FTARENA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    yield hub
    http.shutdown()
    http.server_close()


def refused(spec: str = "org/name") -> str:
    with pytest.raises(FtarenaError) as error:
        resolve(spec)
    return str(error.value)


def test_a_split_is_fetched_and_read(server: Hub) -> None:
    """I give the name that the page shows, and only the files of the split are downloaded."""
    server.files = {
        "README.md": b"",
        "data/train-00000-of-00002.jsonl": LINE.encode(),
        "data/train-00001-of-00002.jsonl": LINE.encode(),
        "data/test-00000-of-00001.jsonl": LINE.encode() * 3,
    }
    columns = Columns({"prompt": "prompt"})
    sources = resolve("org/name", columns=columns)
    assert [source.path.name for source in sources] == [
        "train-00000-of-00002.jsonl",
        "train-00001-of-00002.jsonl",
    ]
    assert all(source.columns == columns and source.format == "jsonl" for source in sources)
    (test,) = resolve("org/name:test")
    assert [row.line for row in read_rows(test) if isinstance(row, Row)] == [1, 2, 3]
    assert not any("README" in path for path in server.asked)


def test_what_was_fetched_once_needs_no_hub(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node that trains has no network: what was read before is found again, whole or not at all."""
    server.files = {"train.jsonl": LINE.encode(), "test.jsonl": LINE.encode()}
    before = resolve("org/name")
    server.status = 503
    assert resolve("org/name") == before
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("org/name") == before
    assert "org/name cannot be fetched: the hub cannot be reached" in refused("org/name:test")
    assert "org/other cannot be fetched: the hub cannot be reached" in refused("org/other")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (404, "RepoNotFound", "there is no data set org/name on the hub, or it is private\ncheck the name"),
        (401, "", "there is no data set org/name on the hub, or it is private"),
        (403, "GatedRepo", "org/name is gated: its owners ask who reads it\naccept its terms"),
        (429, "", "the hub does not give org/name: too many requests"),
        (500, "", "the hub does not give org/name: status 500"),
    ],
)
def test_a_refusal_is_one_clear_error(
    server: Hub, status: int, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I learn whether the name is wrong, a login is missing or the hub is down."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.status, server.code = status, code
    assert refused().startswith(said)


def test_nobody_there_is_one_clear_error(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network a mistyped path does not hang or show a stack of connections."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached from here" in refused()


def test_what_holds_no_rows_says_so(server: Hub) -> None:
    """Pictures, programs and foreign formats are named, and no program is run."""
    server.files = {"README.md": b"", "image.png": b"", "notes.txt": b""}
    assert "org/name holds no files of rows" in refused()
    server.files = {"name.py": b"raise SystemExit('was run')"}
    assert "is made by a program of its own, and none is run" in refused()
    server.files = {"train.jsonl": b""}
    assert "has no split 'dev'; it has train" in refused("org/name:dev")
    assert "has no subset 'en'" in refused("org/name:en/train")


def test_the_hub_is_the_one_of_the_environment(server: Hub, tmp_path: Path) -> None:
    """HF_ENDPOINT and HF_HOME are obeyed, as by every other tool."""
    server.files = {"train.jsonl": LINE.encode()}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ftarena.curation.resolving import resolve; print(resolve('org/name')[0].path)",
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": server.url,
            "HF_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path / "home" / "hub" / "datasets--org--name"))


def pick(files: list[str], split: str | None = None, subset: str | None = None, *configs: Any) -> list[str]:
    return pick_files("org/name", Listing(SHA, tuple(files), configs), split, subset)


@pytest.mark.parametrize(
    ("files", "split", "expected"),
    [
        (["data.json"], None, ["data.json"]),
        (["a.jsonl", "b.jsonl"], None, ["a.jsonl", "b.jsonl"]),
        (["train.csv", "test.csv"], None, ["train.csv"]),
        (["my-train.csv", "dev.csv"], "validation", ["dev.csv"]),
        (["train/a.csv", "eval/a.csv"], "test", ["eval/a.csv"]),
        (["test.csv"], None, ["test.csv"]),
        (["train.jsonl", "train.parquet", "train.csv"], None, ["train.parquet"]),
        (["data/train_sft-00000-of-00001-ab12.parquet", "data/x.csv"], "train_sft", None),
        (["training_data.jsonl", "dataset_infos.json", ".cache/train.jsonl"], None, ["training_data.jsonl"]),
        (["contest.jsonl", "trainer.jsonl"], None, ["contest.jsonl", "trainer.jsonl"]),
    ],
)
def test_names_tell_the_split(files: list[str], split: str | None, expected: list[str] | None) -> None:
    """Without metadata, words in the names decide, as the datasets library has them."""
    assert pick(files, split) == (expected or files[:1])


DEFAULT = {"config_name": "default", "data_files": [{"split": "train", "path": "a/*.jsonl"}]}
ENGLISH = {
    "config_name": "en",
    "data_files": [{"split": "train", "path": ["en/**"]}, {"split": "test", "path": "t?.csv"}],
}
GERMAN = {"config_name": "de", "data_files": "de/*.jsonl", "default": True}
FRENCH = {"config_name": "fr", "data_dir": "fr"}
FILES = [
    "a/1.jsonl",
    "a/b/2.jsonl",
    "en/x/3.jsonl",
    "t1.csv",
    "de/4.jsonl",
    "fr/test.jsonl",
    "fr/train.jsonl",
]


@pytest.mark.parametrize(
    ("configs", "split", "subset", "expected"),
    [
        ([DEFAULT], None, None, ["a/1.jsonl"]),
        ([DEFAULT, ENGLISH], None, None, ["a/1.jsonl"]),
        ([ENGLISH], "test", None, ["t1.csv"]),
        ([ENGLISH], None, None, ["en/x/3.jsonl"]),
        ([ENGLISH, GERMAN], None, None, ["de/4.jsonl"]),
        ([ENGLISH, GERMAN], "test", "en", ["t1.csv"]),
        ([ENGLISH, GERMAN], "en", None, ["en/x/3.jsonl"]),
        ([ENGLISH, FRENCH], "test", "fr", ["fr/test.jsonl"]),
        (
            [{"config_name": "x", "data_files": {"train": "de/*", "all": ["de/*", "a/**"]}}],
            "all",
            None,
            ["a/1.jsonl", "a/b/2.jsonl", "de/4.jsonl"],
        ),
    ],
)
def test_the_readme_tells_the_split(
    configs: list[Any], split: str | None, subset: str | None, expected: list[str]
) -> None:
    """`configs: data_files` in the README's metadata win over names."""
    assert pick(FILES, split, subset, *configs) == expected


def test_several_subsets_are_asked_for(server: Hub) -> None:
    """Which language I train on is not guessed."""
    with pytest.raises(
        FtarenaError, match=r"org/name has several subsets: en, fr\nwrite org/name:SUBSET/SPLIT"
    ):
        pick(FILES, None, None, ENGLISH, FRENCH)
    with pytest.raises(
        FtarenaError, match=r"has no split 'dev'; it has test, train\nwrite org/name:en/SPLIT"
    ):
        pick(FILES, "dev", "en", ENGLISH, FRENCH)
    server.files = dict.fromkeys(FILES, LINE.encode())
    server.card = {"configs": [ENGLISH, FRENCH]}
    assert [source.path.name for source in resolve("org/name:fr/test")] == ["test.jsonl"]
