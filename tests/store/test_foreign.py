"""Votes that were cast in another program become votes here, with their texts where it has them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.store import Selection, Store
from ftarena.store.foreign import FORMATS
from ftarena.store.imports import import_votes
from ftarena.store.preferences import preference_pairs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def written(tmp_path: Path, content: object, name: str = "votes.json") -> Path:
    """Write what another program exported."""
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def votes(store: Store, **which: object) -> list[tuple[str, str, str, str]]:
    """Left, right, outcome and labeler of the votes that count."""
    return [row[:4] for row in store.standing_votes(Selection(**which))]  # type: ignore[arg-type]  # names of fields


def talk(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)]


BATTLE = {
    "question_id": "58210e39b3fd4441a2bd4a518bb44c2d",
    "model_a": "chatglm-6b",
    "model_b": "koala-13b",
    "winner": "model_b",
    "judge": "arena_user_973",
    "conversation_a": talk("What is a bee?", "An insect."),
    "conversation_b": talk("What is a bee?", "A flying insect that makes honey."),
    "turn": 1,
    "anony": True,
    "language": "English",
    "tstamp": 1682351591.1322,
}


def test_battles_of_lmarena(store: Store, tmp_path: Path) -> None:
    """The battles of Chatbot Arena come with who voted, when, and what was asked and answered."""
    more = [
        BATTLE,
        {**BATTLE, "winner": "tie", "judge": "arena_user_1", "tstamp": 1682351592},
        {**BATTLE, "winner": "tie (bothbad)", "judge": "arena_user_2", "tstamp": 1682351593},
        {**BATTLE, "winner": "model_a", "judge": "arena_user_3", "tstamp": 1682351594},
    ]
    file = written(tmp_path, more)
    report = import_votes(store, file)
    assert (report.added, report.already, report.contestants_new) == (4, 0, ("chatglm-6b", "koala-13b"))
    assert [(outcome, who) for _, _, outcome, who in votes(store)] == [
        ("right", "arena_user_973"),
        ("tie", "arena_user_1"),
        ("both_bad", "arena_user_2"),
        ("left", "arena_user_3"),
    ]
    assert votes(store, since="2023-04-24T15:53:13.000Z") == votes(store)[2:]
    again = import_votes(store, file)
    assert (again.added, again.already) == (0, 4)
    assert store.prompts() == []  # nothing of it is drawn for battles here


def test_texts_of_others_become_pairs(store: Store, tmp_path: Path) -> None:
    """Where the file has the texts, its votes can be trained on like one's own."""
    import_votes(store, written(tmp_path, [BATTLE]))
    [pair], report = preference_pairs(store)
    assert pair.prompt == (("user", "What is a bee?"),)
    assert (pair.chosen, pair.rejected) == ("A flying insect that makes honey.", "An insect.")
    assert report.without_text == 0


def test_imported_answers_are_not_drawn(store: Store, tmp_path: Path) -> None:
    """An answer that was made elsewhere is no answer of my contestant of that name to show in battles."""
    import_votes(store, written(tmp_path, [BATTLE]))
    assert store.first_answers() == {}


def test_a_conversation_that_grew_apart_is_no_pair(store: Store, tmp_path: Path) -> None:
    """After different first answers the second ones are votes, but no preference pair."""
    battle = {
        **BATTLE,
        "turn": 2,
        "conversation_a": talk("hi", "Hello", "more?", "No."),
        "conversation_b": talk("hi", "Hey", "more?", "Yes."),
    }
    import_votes(store, written(tmp_path, [battle]))
    pairs, report = preference_pairs(store)
    assert (pairs, report.apart, len(votes(store))) == ([], 1, 1)


def test_mt_bench_judgments(store: Store, tmp_path: Path) -> None:
    """Of an MT-bench judgment the turn that was judged counts, and GPT-4's stay apart from people's."""
    both = {
        "conversation_a": talk("q1", "a1", "q2", "a2"),
        "conversation_b": talk("q1", "b1", "q2", "b2"),
        "question_id": 81,
    }
    rows = [
        {**BATTLE, **both, "judge": "expert_9", "turn": 1},
        {**BATTLE, **both, "judge": ["gpt-4", "pair-v2"], "turn": 1},
        {**BATTLE, **both, "judge": "gpt4_pair", "turn": 1},
    ]
    import_votes(store, written(tmp_path, "\n".join(json.dumps(row) for row in rows), "judgments.jsonl"))
    assert [who for *_, who in votes(store)] == ["expert_9"]
    assert sorted(who for *_, who in votes(store, voters="judges")) == ["judge:gpt-4", "judge:gpt4_pair"]
    [pair], _ = preference_pairs(store)
    assert (pair.prompt, pair.chosen, pair.rejected) == ((("user", "q1"),), "b1", "a1")


def test_the_table_of_55k_preferences(store: Store, tmp_path: Path) -> None:
    """The table of arena-human-preference-55k, whose cells are JSON lists of turns."""
    table = (
        "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
        '30192,gpt-4-1106,gpt-4-0613,"[""Is it moral?""]","[""No, and\nhere is why""]","[""Yes""]",1,0,0\n'
        '53567,gpt-4-1106,vicuna,"[""hi""]","[""hello""]","[null]",0,0,1\n'
    )
    assert import_votes(store, written(tmp_path, table, "train.csv")).added == 2
    assert sorted(outcome for _, _, outcome, _ in votes(store)) == ["left", "tie"]
    [pair], _ = preference_pairs(store)
    assert (pair.chosen, pair.rejected) == ("No, and\nhere is why", "Yes")


def test_parquet_from_the_hub(store: Store, tmp_path: Path) -> None:
    """The Parquet files of arena-human-preference-140k, whose messages are made of parts."""
    import pyarrow
    import pyarrow.parquet

    def parts(*texts: str) -> list[dict[str, object]]:
        return [
            {"role": turn["role"], "content": [{"type": "text", "text": turn["content"]}]}
            for turn in talk(*texts)
        ]

    row = {
        "id": "a",
        "model_a": "x",
        "model_b": "y",
        "winner": "both_bad",
        "evaluation_session_id": "s",
        "conversation_a": parts("why?", "so"),
        "conversation_b": parts("why?", "thus"),
        "timestamp": "2025-06-01T10:00:00",
    }
    file = tmp_path / "train-00000.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row, {**row, "winner": "model_a"}]), file)
    assert import_votes(store, file).added == 2
    [pair], report = preference_pairs(store)
    assert (pair.chosen, report.both_bad) == ("so", 1)


ANNOTATION = {
    "instruction": "Name a bee.",
    "output_1": "Maya",
    "generator_1": "text_davinci_003",
    "output_2": "Willy",
    "generator_2": "my-model",
    "annotator": "alpaca_eval_gpt4",
    "preference": 2.0,
}


def test_annotations_of_alpaca_eval(store: Store, tmp_path: Path) -> None:
    """AlpacaEval's judge stays a judge; its probabilities say which output, and null is no vote."""
    rows = [
        {**ANNOTATION, "preference": preference, "instruction": f"{number}?"}
        for number, preference in enumerate((1, 2.0, 1.5, 0, 1.0003, 1.998, None))
    ]
    report = import_votes(store, written(tmp_path, rows, "annotations.json"))
    assert (report.added, report.without) == (6, 1)
    assert votes(store) == []
    said = [outcome for _, _, outcome, _ in votes(store, voters="judges")]
    assert sorted(said) == ["left", "left", "right", "right", "tie", "tie"]
    assert {who for *_, who in votes(store, voters="judges")} == {"judge:alpaca_eval_gpt4"}


RANKED = {
    "id": "0a1b",
    "fields": {"prompt": "Name a bee.", "response1": "Maya", "response2": "Willy", "response3": "Bee"},
    "metadata": {"model_1": "base", "model_2": "sft"},
    "suggestions": {},
    "responses": {
        "preference": [{"value": ["response2", "response1"], "user_id": "u-1"}],
        "comment": [{"value": "hm", "user_id": "u-1"}],
    },
    "vectors": {},
    "status": "completed",
    "_server_id": None,
}


def test_rankings_of_argilla(store: Store, tmp_path: Path) -> None:
    """Each person's ranking is a vote on each two answers, and other questions are left alone."""
    two = {**RANKED, "fields": {key: RANKED["fields"][key] for key in ("prompt", "response1", "response2")}}  # type: ignore[index]  # an object
    assert import_votes(store, written(tmp_path, [two])).added == 1
    assert votes(store) == [("base", "sft", "right", "u-1")]
    [pair], _ = preference_pairs(store)
    assert (pair.prompt[0].content, pair.chosen) == ("Name a bee.", "Willy")


def test_rankings_of_three(store: Store, tmp_path: Path) -> None:
    """A ranking of three with two alike is two wins and a tie (Argilla 1, as pushed to the hub)."""
    row = {
        "prompt": "Name a bee.",
        "response1": "Maya",
        "response2": "Willy",
        "response3": "Bee",
        "preference": [
            {
                "user_id": "u-1",
                "status": "submitted",
                "value": {"rank": [1, 2, 2], "value": ["response1", "response2", "response3"]},
            },
            {"user_id": "u-2", "status": "discarded", "value": None},
        ],
        "external_id": "7",
    }
    assert import_votes(store, written(tmp_path, [row])).added == 3
    assert sorted(votes(store)) == [
        ("response1", "response2", "left", "u-1"),
        ("response1", "response3", "left", "u-1"),
        ("response2", "response3", "tie", "u-1"),
    ]


def test_records_of_argilla_1(store: Store, tmp_path: Path) -> None:
    """Argilla 1 keeps what one person said together; a label names the better answer."""
    row = {
        "fields": {"prompt": "q", "response_a": "x", "response_b": "y"},
        "metadata": {"response_a_model": "base", "response_b_model": "dpo"},
        "responses": [
            {"user_id": "u-1", "status": "submitted", "values": {"better": {"value": "response_b"}}},
            {"user_id": "u-2", "status": "submitted", "values": {"better": {"value": "tie"}}},
            {"user_id": "u-3", "status": "draft", "values": {"better": {"value": "tie"}}},
        ],
    }
    assert import_votes(store, written(tmp_path, [row])).added == 2
    assert {(a, b, outcome) for a, b, outcome, _ in votes(store)} == {
        ("base", "dpo", "right"),
        ("base", "dpo", "tie"),
    }


TASK = {
    "id": 12,
    "data": {"prompt": "q", "answer1": "x", "answer2": "y", "model_a": "base", "model_b": "sft"},
    "annotations": [
        {
            "id": 1,
            "completed_by": 3,
            "was_cancelled": False,
            "lead_time": 4.25,
            "created_at": "2026-01-02T10:00:00.123456Z",
            "result": [
                {
                    "id": "r",
                    "type": "pairwise",
                    "from_name": "pw",
                    "to_name": "answer1,answer2",
                    "value": {"selected": "left"},
                }
            ],
        },
        {
            "completed_by": {"id": 4, "email": "bo@example.org"},
            "result": [{"type": "choices", "value": {"choices": ["Tie"]}, "to_name": "answer1"}],
        },
        {"completed_by": 5, "was_cancelled": True, "result": []},
    ],
}


def test_tasks_of_label_studio(store: Store, tmp_path: Path) -> None:
    """Pairwise choices with who, when and how long; what was skipped is no vote."""
    assert import_votes(store, written(tmp_path, [TASK])).added == 2
    assert votes(store) == [
        ("base", "sft", "left", "user 3"),
        ("base", "sft", "tie", "bo@example.org"),
    ]
    times = store.rows("SELECT created_at, elapsed_ms FROM ballot_events WHERE elapsed_ms IS NOT NULL")
    assert times == [("2026-01-02T10:00:00.123Z", 4250)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([BATTLE, {**BATTLE, "winner": "model_c"}], r"record 2: the winner 'model_c'"),
        ([BATTLE, {**BATTLE, "model_b": "chatglm-6b"}], "record 2: 'chatglm-6b' against itself"),
        ([{**BATTLE, "model_a": None}], "record 1: 'model_a' names no contestant"),
        ([{**BATTLE, "tstamp": 1e30}], "record 1: 1e[+]30 is no time"),
        ([{**BATTLE, "conversation_b": talk("other?", "x")}], "record 1: .* ask different things"),
        ([BATTLE, 5], "record 2: a record is an object, found int"),
        ([BATTLE, TASK], "record 2: this is no record of fastchat"),
        ([{**ANNOTATION, "preference": 3}], "record 1: the preference 3"),
        ([{**ANNOTATION, "preference": "x"}], "record 1: the preference 'x'"),
        ([{**ANNOTATION, "preference": None}], "no record holds a vote"),
        ([{"id": 1, "text": "x"}], "record 1: nobody's votes: it has id, text"),
        ([], "no record in it"),
        ("[1, 2", "json:1: no JSON"),
        ('{"a": 1}\n{"a": \n', "json:1: nobody's votes"),
        (json.dumps(BATTLE) + "\n{oops}\n", "json:2: no JSON"),
        ("[" * 100_000, "no JSON that can be read"),
        (b"\xff[]".decode("latin1") + "model_a,model_b,winner\n", "no column 'a'|unknown column"),
    ],
)
def test_a_bad_record_is_named_and_nothing_is_imported(
    store: Store, tmp_path: Path, content: object, words: str
) -> None:
    """What is wrong is said with its place, and then nothing of the file is there."""
    with pytest.raises(FtarenaError, match=words) as caught:
        import_votes(store, written(tmp_path, content))
    assert caught.value.hint
    assert store.contestants() == []


def test_the_format_can_be_named(store: Store, tmp_path: Path) -> None:
    """A format that is not there is one message with those that are; a wrong one names the first record."""
    file = written(tmp_path, [BATTLE])
    with pytest.raises(FtarenaError, match="'excel'") as caught:
        import_votes(store, file, "excel")
    assert all(form in str(caught.value.hint) for form in FORMATS)
    with pytest.raises(FtarenaError, match="record 1: this is no record of argilla"):
        import_votes(store, file, "argilla")
    assert import_votes(store, file, "fastchat").added == 1


def test_a_table_is_still_a_table(store: Store, tmp_path: Path) -> None:
    """A CSV of a,b,outcome needs no format, whatever it is called."""
    assert import_votes(store, written(tmp_path, "a,b,outcome\nx,y,a\n", "votes.json")).added == 1
    with pytest.raises(FtarenaError, match=r"votes\.txt:2: outcome"):
        import_votes(store, written(tmp_path, "a,b,outcome\nx,y,z\n", "votes.txt"))


def test_half_a_character_does_no_harm(store: Store, tmp_path: Path) -> None:
    """JSON may carry half of a surrogate pair; the database may not."""
    text = json.dumps([{**BATTLE, "judge": "an\ud83d", "conversation_a": talk("What is a bee?", "\ud83d")}])
    assert import_votes(store, written(tmp_path, text)).added == 1


def test_a_file_that_is_not_utf8_is_named(store: Store, tmp_path: Path) -> None:
    """A byte that is no UTF-8 is named with its line, and how to convert the file."""
    file = tmp_path / "votes.jsonl"
    file.write_bytes(json.dumps(BATTLE).encode() + b'\n{"model_a": "\xff"}\n')
    with pytest.raises(FtarenaError, match=r"votes\.jsonl:2: not UTF-8") as caught:
        import_votes(store, file)
    assert "iconv" in str(caught.value.hint)


def test_a_broken_parquet_file_is_named(store: Store, tmp_path: Path) -> None:
    """Half a download is said to be none."""
    file = tmp_path / "votes.parquet"
    file.write_bytes(b"PAR1" + b"\0" * 100)
    with pytest.raises(FtarenaError, match="cannot read"):
        import_votes(store, file)


def test_a_pipe_can_be_read_when_its_format_is_named(store: Store, tmp_path: Path) -> None:
    """`votes import <(zcat battles.json.gz) --format fastchat` works."""
    import os
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=(json.dumps([BATTLE]),))
    writing.start()
    assert import_votes(store, pipe, "fastchat").added == 1
    writing.join()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([BATTLE, ANNOTATION, RANKED, TASK]),
    st.lists(st.tuples(st.integers(0, 10), json_values), min_size=1, max_size=3),
)
def test_whatever_a_file_holds_there_is_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, object], changes: list[tuple[int, object]]
) -> None:
    """Any value in any place of a record is a vote, no vote, or one message."""
    from ftarena.store.foreign import read_foreign

    changed = dict(record)
    for place, value in changes:
        changed[list(changed)[place % len(changed)]] = value
    file = tmp_path_factory.mktemp("any") / "votes.json"
    file.write_text(json.dumps([record, changed]))
    try:
        reading = read_foreign(file)
        assert reading is not None
        for vote in reading:
            assert vote.a != vote.b
    except FtarenaError as error:
        assert error.hint


@pytest.mark.parametrize("winner", ["A", "model_c", "", None, 1, "chatglm-6b"])
def test_a_winner_that_is_not_documented(store: Store, tmp_path: Path, winner: object) -> None:
    """A winner that LMArena does not write is refused with the record's number, and nothing is imported."""
    path = written(tmp_path, [BATTLE, {**BATTLE, "question_id": "other", "winner": winner}])
    with pytest.raises(FtarenaError, match=r"record 2: the winner .* is none of model_a, model_b"):
        import_votes(store, path)
    assert votes(store) == []


@pytest.mark.parametrize("content", ["", "  \n", "null", "3"])
def test_a_json_file_without_records(store: Store, tmp_path: Path, content: str) -> None:
    """An empty JSON file is called one without records, not a table without columns."""
    with pytest.raises(FtarenaError, match="no record in it"):
        import_votes(store, written(tmp_path, content))


def test_an_object_is_no_text(store: Store, tmp_path: Path) -> None:
    """A message whose content is an object is refused with its record."""
    wrong = [{"role": "user", "content": {"text": "x"}}, *talk("x", "y")[1:]]
    with pytest.raises(FtarenaError, match="record 1: a message of 'conversation_a'"):
        import_votes(store, written(tmp_path, [{**BATTLE, "conversation_a": wrong}]))


def test_a_name_with_nul(store: Store, tmp_path: Path) -> None:
    """A name with a NUL in it is refused, not taken for the name without it."""
    for content, name in (([{**BATTLE, "model_a": "x\0y"}], "v.json"), ("a,b,outcome\nx\0y,z,a\n", "v.csv")):
        with pytest.raises(FtarenaError, match="NUL"):
            import_votes(store, written(tmp_path, content, name))
    assert votes(store) == []


def test_a_long_prompt_in_a_table(store: Store, tmp_path: Path) -> None:
    """A prompt of 200,000 characters in a CSV file is imported."""
    path = written(tmp_path, "a,b,outcome,labeler,prompt\nx,y,a,ana," + "word " * 40_000 + "\n", "v.csv")
    assert import_votes(store, path).added == 1
