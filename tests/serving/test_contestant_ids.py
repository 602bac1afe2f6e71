"""Contestants: immutable, told apart by their content, and prompted the way they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ftarena.serving.contestants import Contestant, Message, Sampling, served_name

QUESTION = Message(role="user", content="What uses port 8080?")


def texts() -> st.SearchStrategy[str]:
    return st.text(max_size=20)


@given(
    st.builds(
        Contestant,
        model=st.text(min_size=1, max_size=10),
        adapter=st.none() | texts(),
        system_prompt=st.none() | texts(),
        sampling=st.builds(Sampling, temperature=st.floats(0, 2), max_tokens=st.integers(1, 4096)),
    )
)
def test_a_contestant_survives_being_stored(contestant: Contestant) -> None:
    """What I read back from the database is the same contestant, with the same id."""
    again = Contestant.model_validate_json(contestant.model_dump_json())
    assert again == contestant
    assert again.id == contestant.id
    assert len(contestant.id) == 16


def test_the_id_follows_the_content() -> None:
    """Changing the system prompt makes another contestant; writing 1 for 1.0 does not."""
    base = Contestant(model="m")
    assert base.id != base.model_copy(update={"system_prompt": "Be brief."}).id
    assert (
        Contestant(model="m", sampling=Sampling(temperature=1)).id
        == Contestant(model="m", sampling=Sampling(temperature=1.0)).id
    )


def test_the_id_is_the_same_on_every_machine() -> None:
    """A vote file merged from another machine means the same contestants as here."""
    assert Contestant(model="demo:smollm2").id == "5582912e7516af4e"


def test_system_prompt_and_examples_come_first() -> None:
    """My system prompt and my examples stand before the question."""
    shots = (Message(role="user", content="q"), Message(role="assistant", content="a"))
    contestant = Contestant(model="m", system_prompt="Be brief.", few_shot=shots)
    assert [m.content for m in contestant.messages([QUESTION])] == ["Be brief.", "q", "a", QUESTION.content]


def test_the_conversations_own_system_message_is_kept() -> None:
    """A prompt that brings a system message and a contestant with one of its own send a single joined one."""
    task = Message(role="system", content="You are on Debian.")
    sent = Contestant(model="m", system_prompt="Be brief.").messages([task, QUESTION])
    assert [m.role for m in sent] == ["system", "user"]
    assert sent[0].content == "Be brief.\n\nYou are on Debian."
    assert Contestant(model="m").messages([task, QUESTION]) == [task, QUESTION]


def test_served_names() -> None:
    """The engine knows the base as `base` and an adapter by its run; a remote one has its own name."""
    assert served_name(Contestant(model="demo:smollm2")) == "base"
    assert served_name(Contestant(model="demo:smollm2", adapter="sft-1")) == "sft-1"
    assert served_name(Contestant(model="gpt-x", endpoint="http://h/v1")) == "gpt-x"


def test_contradictions_are_refused() -> None:
    """An adapter at a remote server, half an example, or an unknown field is refused."""
    with pytest.raises(ValidationError, match="exclude each other"):
        Contestant(model="m", adapter="a", endpoint="http://h")
    with pytest.raises(ValidationError, match="few_shot"):
        Contestant(model="m", few_shot=(QUESTION,))
    with pytest.raises(ValidationError):
        Contestant(model="m", temperature=1)  # type: ignore[call-arg]  # the point of the test
