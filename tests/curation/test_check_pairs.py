"""What pairs, labels and whole files say: worse is better, longer is better, all is good, all is refused."""

import math
import pickle
import random

import pytest
from example_rows import FILE, answered, labelled, pair
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.curation.check.distance import edit_distance
from ftarena.curation.check.languages import language_of
from ftarena.curation.check.markers import bad_markers
from ftarena.curation.check.pairs import pair_findings
from ftarena.curation.check.refusals import refuses
from ftarena.curation.check.sign_test import sign_test
from ftarena.curation.check.tallies import Tally, tallies
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding

PARAGRAPH = (
    "Bread rises because yeast turns sugar into carbon dioxide, and gluten holds the bubbles. Let the dough "
    "rest in a warm place until it has doubled, fold it once, and give it another half hour. Then bake it "
    "hot, with some steam in the first ten minutes, so that the crust stays soft while the loaf is still "
    "growing."
)


def codes(example: Example) -> list[str]:
    return [finding.code for finding in pair_findings(example)]


def tallied(examples: list[Example]) -> tuple[list[Finding], dict[str, object]]:
    counted = tallies()
    for example in examples:
        for tally in counted:
            tally.add(example)
    return results(counted)


def results(counted: list[Tally]) -> tuple[list[Finding], dict[str, object]]:
    stats: dict[str, object] = {}
    for tally in counted:
        stats |= tally.stats()
    return [finding for tally in counted for finding in tally.findings()], stats


def test_a_pair_without_a_difference_is_an_error() -> None:
    """White space is no preference."""
    assert codes(pair("a b", "a  b\n")) == ["no-preference"]
    assert codes(pair("a b", "a c")) == []
    assert codes(answered("a b")) == []


def test_almost_equal_answers_are_told_with_the_difference() -> None:
    """DPO pushes both down when nearly all of their words are the same."""
    other = PARAGRAPH.replace("warm", "cold")
    (finding,) = pair_findings(pair(PARAGRAPH, other))
    assert finding.code == "alike-pair"
    assert finding.message == f"chosen and rejected differ in 4 of {len(PARAGRAPH)} letters"
    assert codes(pair("chmod 644 notes.txt", "chmod 600 notes.txt")) == []
    assert codes(pair(PARAGRAPH, PARAGRAPH.replace("bread", "cake").replace(" it ", " the dough "))) == []


@pytest.mark.parametrize(
    ("answer", "marker"),
    [
        ("I'm sorry, but I can't help with that.", "refuses"),
        (PARAGRAPH + "</s>", "holds </s>"),
        (PARAGRAPH.removesuffix(" still growing."), "is cut off in mid-sentence"),
        (PARAGRAPH + "\n```python\nprint(1)", "is cut off in mid-sentence"),
        (
            "The loaf grows. " + "It grows and grows in the oven and we watch it. " * 5,
            "repeats itself to the end",
        ),
    ],
)
def test_a_chosen_answer_that_is_worse_by_its_looks_is_told(answer: str, marker: str) -> None:
    """Somebody has swapped the two; if both are bad in some way, nothing can be said."""
    (finding,) = pair_findings(pair(answer, "Because yeast makes gas."))
    assert finding.code == "chosen-worse" and marker in finding.message
    assert codes(pair("Because yeast makes gas.", answer)) == []
    assert codes(pair(answer, "Sorry, but I cannot say.")) == []


@pytest.mark.parametrize(
    "answer",
    [
        PARAGRAPH,
        PARAGRAPH + "\n\n- flour\n- water and a bit of salt that is not too coarse for it",
        PARAGRAPH + "\n\n```\nbake --hot\n```",
        PARAGRAPH + "\n\n| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 12,
        PARAGRAPH + "\n\nYours,\nMara Lindt",
        PARAGRAPH + "\n\n" + "-" * 200,
        PARAGRAPH + "\n\n#### 72",
        "北京是中国的首都。" * 3,
        "ls -l " * 3,
    ],
)
def test_a_good_answer_has_no_bad_marker(answer: str) -> None:
    """Lists, code, tables and signatures end without a full stop."""
    assert list(bad_markers(answer)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m really sorry, but as an AI I cannot.",
        "I cannot provide medical advice.",
        "As an AI language model, I don't have access to that.",
        "Unfortunately, I am not able to open links.",
        "I apologize, but this is not possible.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Je suis désolé, mais je ne peux pas répondre.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Desculpe, mas não posso ajudar.",
        "Mi dispiace, ma non posso aiutarti.",
        "很抱歉，我无法回答这个问题。",
        "申し訳ありませんが、お答えできません。",
        "К сожалению, я не могу с этим помочь.",
    ],
)
def test_refusals_are_known_in_several_languages(answer: str) -> None:
    """They all open in one of a few ways."""
    assert refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry to hear that. Try to rest.",
        "I'm sorry, I made a mistake: it is 12.",
        "As an AI, I can suggest three ways to improve the page.",
        "Unfortunately, the shop is closed.",
        "I can help with that.",
        "Sorry seems to be the hardest word.",
        "Als KI bezeichnet man vieles.",
        "I do not like green eggs and ham.",
    ],
)
def test_sympathy_is_no_refusal(answer: str) -> None:
    """Being sorry is not refusing."""
    assert not refuses(answer)


def test_refusals_count_in_bulk_only() -> None:
    """A few are a choice; one finding says how many there are, and where they begin."""
    rows = [answered("It is a cat.", line=line) for line in range(1, 301)]
    refused = [answered("I'm sorry, but I can't say.", line=line) for line in range(7, 300, 10)]
    findings, stats = tallied(rows[: len(rows) - len(refused)] + refused)
    (finding,) = findings
    assert (finding.code, finding.line) == ("refusal", 7)
    assert finding.message == (
        "30 of 300 answers (10%) are refusals or apologies, the first in lines 7, 17, 27, 37, 47: "
        "“I'm sorry, but I can't say.”"
    )
    assert stats["refusals"] == {"rows.jsonl": {"answers": 300, "refusals": 30}}
    assert tallied(rows + refused[:14])[0] == []
    assert tallied(refused[:19])[0] == []
    assert tallied([labelled("Sorry, but I can't.", bool(line % 2), line) for line in range(30)])[0] == []


SENTENCES = {
    "en": "The yeast turns the sugar into gas, and the dough rises slowly in the warm kitchen.",
    "de": "Die Hefe verwandelt den Zucker in Gas, und der Teig geht in der warmen Küche langsam auf.",
    "fr": "La levure transforme le sucre en gaz, et la pâte lève doucement dans la cuisine chaude.",
    "es": "La levadura convierte el azúcar en gas y la masa crece despacio en la cocina caliente.",
    "ru": "Дрожжи превращают сахар в газ, и тесто медленно поднимается на тёплой кухне.",
    "zh": "酵母把糖变成气体，面团在温暖的厨房里慢慢发起来，然后放进烤箱里烤。",
    "ja": "イーストが糖をガスに変えて、生地は暖かい台所でゆっくりとふくらんでいきます。",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_languages_are_told_apart(language: str) -> None:
    """The detector ships with its package and needs no network."""
    assert language_of(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text", ["42", "pwd", "ls -la /etc", "Yes.", "```\nfür x in y\n```", "{'a': 1}", "«»"]
)
def test_code_numbers_and_short_answers_have_no_language(text: str) -> None:
    """Nothing can be said about them, so nothing is."""
    assert language_of(text) is None


def test_rows_in_another_language_than_the_rest_are_found() -> None:
    """Scraping debris in another language is told by its line; what was asked for in it is fine."""
    rows = [answered(SENTENCES["en"], line=line) for line in range(1, 41)]
    foreign = answered(SENTENCES["fr"], line=41)
    asked = answered(SENTENCES["de"], "Translate it into German.", line=42)
    findings, stats = tallied([*rows, foreign, asked])
    assert [(finding.code, finding.line) for finding in findings] == [("language", 41)]
    assert findings[0].message.startswith("French, where 97.6% of the file is English: “La levure")
    assert stats["languages"] == {"rows.jsonl": {"en": 40, "fr": 1, "de": 1}}


def test_a_bilingual_file_is_meant_to_be_one() -> None:
    """Translation data mix languages; that is a figure, not a finding."""
    rows = [answered(SENTENCES["en" if line % 3 else "fr"], line=line) for line in range(1, 61)]
    findings, stats = tallied(rows)
    assert findings == [] and stats["languages"] == {"rows.jsonl": {"en": 40, "fr": 20}}


def pairs(longer: int, shorter: int, by: int = 2) -> list[Example]:
    return [
        pair("a" * (10 * by), "b" * 10, line=line)
        if line <= longer
        else pair("a" * 10, "b" * (10 * by), line=line)
        for line in range(1, longer + shorter + 1)
    ]


def test_a_length_bias_is_told_with_a_verdict() -> None:
    """If the longer answer nearly always wins, length is what will be learned."""
    (finding,), stats = tallied(pairs(80, 20))
    assert (finding.code, finding.file, finding.line) == ("length-bias", FILE, 1)
    assert finding.message == (
        "a strong length bias: the chosen answer is the longer one in 80 of 100 pairs (80%, p < 0.0001), "
        "in the median 2.00 times as long as the rejected one"
    )
    bias = stats["length_bias"]
    assert isinstance(bias, dict) and bias["chosen_longer"] == 80 and bias["cohens_g"] == 0.3
    (finding,), _ = tallied(pairs(20, 80))
    assert "the shorter one in 80 of 100" in finding.message


@pytest.mark.parametrize(
    ("longer", "shorter", "verdict"),
    [
        (50, 50, "no length bias to be seen"),
        (7, 0, "too few pairs"),
        (600, 400, "a slight length bias"),
        (5200, 4800, "hardly any length bias"),
    ],
)
def test_a_small_length_bias_is_a_verdict_only(longer: int, shorter: int, verdict: str) -> None:
    """The figures are always told; a finding needs both a medium effect and more than chance."""
    findings, stats = tallied(pairs(longer, shorter))
    bias = stats["length_bias"]
    assert findings == [] and isinstance(bias, dict) and str(bias["verdict"]).startswith(verdict)


def test_labels_of_one_kind_are_told_with_a_weight_that_helps() -> None:
    """KTO wants good and bad to weigh the same; I am told which weight does it."""
    rows = [labelled(f"answer {line}", line <= 90, line) for line in range(1, 101)]
    (finding,), stats = tallied(rows)
    assert finding.code == "label-imbalance" and "undesirable_weight: 6.8" in finding.message
    assert stats["labels"] == {"good": 90, "bad": 10}
    (finding,), _ = tallied([labelled(f"answer {line}", line > 90, line) for line in range(1, 101)])
    assert "desirable_weight: 9" in finding.message
    assert tallied([labelled(f"answer {line}", line <= 80, line) for line in range(1, 101)])[0] == []
    (finding,), _ = tallied([labelled(f"answer {line}", True, line) for line in range(1, 31)])
    assert "nothing" in finding.message


MIXED = [
    *pairs(40, 10),
    *(labelled("Sorry, but I can't.", True, line) for line in range(100, 140)),
    *(answered(SENTENCES["en"], line=line) for line in range(200, 240)),
    answered(SENTENCES["fr"], line=300),
]


@given(st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_counting_in_parts_is_counting_at_once(order: random.Random, parts: int) -> None:
    """However rows are shared among processes, and whoever is done first, the report is the same."""
    examples = list(MIXED)
    order.shuffle(examples)
    shares = [tallies() for _ in range(parts)]
    for example in examples:
        for tally in order.choice(shares):
            tally.add(example)
    total = tallies()
    for share in pickle.loads(pickle.dumps(shares)):
        for ours, theirs in zip(total, share, strict=True):
            ours.merge(theirs)
    findings, stats = results(total)
    assert (findings, stats) == tallied(MIXED)
    assert {finding.code for finding in findings} == {"length-bias", "label-imbalance", "refusal", "language"}


@given(st.integers(0, 300), st.data())
def test_the_sign_test_is_exact(trials: int, data: st.DataObject) -> None:
    """It agrees with the sum of binomial coefficients, and both ways round."""
    count = data.draw(st.integers(0, trials))
    smaller = min(count, trials - count)
    exact = min(1.0, 2 * sum(math.comb(trials, k) for k in range(smaller + 1)) / 2**trials)
    assert sign_test(count, trials) == pytest.approx(exact, rel=1e-9)
    assert sign_test(count, trials) == sign_test(trials - count, trials)


def test_the_sign_test_takes_millions() -> None:
    """Ten million pairs, a thousandth of a standard deviation off or three of them."""
    assert sign_test(5_000_000, 10_000_000) == pytest.approx(1, abs=1e-3)
    assert sign_test(5_000_000 + 4_743, 10_000_000) == pytest.approx(0.0027, rel=0.01)
    assert sign_test(0, 10_000_000) == 0


def test_long_answers_are_compared_in_bounded_time() -> None:
    """Two answers of a megabyte that differ all over are not measured to the last letter."""
    words = [str(number) for number in range(150_000)]
    assert codes(pair(" ".join(words), " ".join(reversed(words)))) == []
    assert codes(pair(" ".join(words), " ".join([*words[:-1], "end"]))) == ["alike-pair"]


def levenshtein(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


@given(st.text("abc", max_size=30), st.text("abc", max_size=30), st.integers(0, 30))
@settings(max_examples=300)
def test_the_distance_is_levenshteins(one: str, other: str, limit: int) -> None:
    """Short cuts change nothing."""
    distance = levenshtein(one, other)
    assert edit_distance(one, other, limit) == (distance if distance <= limit else None)
