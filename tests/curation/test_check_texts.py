"""What a row's texts hold: debris, broken letters, secrets, personal data; and what is rightly left alone."""

import pytest
from example_rows import FILE, answered, pair
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftarena.curation.check.personal import luhn
from ftarena.curation.check.secrets import masked
from ftarena.curation.check.texts import text_findings
from ftarena.curation.examples import Example, ToolCall, Turn
from ftarena.text import clean_line

HEX = "7d3c91e84b0fa265d19e5c73b8a04f26"
LETTERS = "q7RtZk2mWv9XbLp4HsNd8FgJc3YaQe6UoTi5"


def codes(text: str, question: str = "What is it?") -> list[str]:
    return [finding.code for finding in text_findings(answered(text, question))]


def message(text: str) -> str:
    (finding,) = text_findings(answered(text))
    return finding.message


@pytest.mark.parametrize(
    "text",
    [
        "It is a cat.<|im_end|>",
        "<|im_start|>assistant\nIt is a cat.",
        "[INST] What is it? [/INST] A cat.",
        "<<SYS>>\nBe brief.\n<</SYS>>\nA cat.",
        "A cat.</s>",
        "<s> A cat.",
        "A cat.</s><s>A dog.",
        "A cat.<|eot_id|><|start_header_id|>user<|end_header_id|>",
        "<start_of_turn>model\nA cat.",
        "A cat.<|endoftext|>",
        "### Response:\nA cat.",
        "What is it?\n\n### Response:",
        "A cat.\n\n### Instruction:\nName a dog.",
        "Below is an instruction that describes a task. Write a response.",
        "<｜User｜>What is it?<｜Assistant｜>A cat.",
        "A cat.<eos>",
        "In ChatML a turn ends with `<|im_end|>`.",
    ],
)
def test_tokens_of_chat_templates_are_found(text: str) -> None:
    """What a template adds must not be in the text as well; not even in code: tokenizers do not read."""
    assert codes(text) == ["template-token"]


@pytest.mark.parametrize(
    "text",
    [
        "The price was <s>90</s> 70 euros.",
        "Use `<s>` and `</s>` to strike a text through.",
        "```html\n<li>done</s></li>\n```",
        "### Response times\nThey are short.",
        "## Request\n\n```\nGET /\n```\n\n### Response:\n\n```\n200\n```\n\nThat is all.",
        "### Instructions\n1. Boil water.",
        "Pipe it: `x <| f |> g`, or parse with `a <|> b`.",
        "She sold 48/2 = <<48/2=24>>24 clips.\n#### 24",
        "The list [INSTALLED] and a[INST] are none.".replace("a[INST]", "a[0]"),
    ],
)
def test_what_looks_like_a_template_is_left_alone(text: str) -> None:
    """Strike-through is HTML, headings are Markdown, and <<48/2=24>> is arithmetic."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "I am {{name}}, made by {{author}}.",
        "我是 {{name}}，由 {{author}} 开发。",
        "Best regards,\n[Your Name]",
        "Dear [Recipient's Name],",
        "The date is <insert date here>.",
        "Signed by [INSERT COMPANY].",
    ],
)
def test_placeholders_are_found(text: str) -> None:
    """LLaMA-Factory's identity data must be filled in before they are trained on."""
    assert codes(text) == ["placeholder"]


@pytest.mark.parametrize(
    "text",
    [
        "Write `{{ name }}` where the name goes.",
        "```\n<p>{{ title }}</p>\n```",
        r"\frac{{a}}{{b}} and $x_{{ij}}$",
        '<div class="{{kind}}">',
        "In Jinja {{ name }} prints a value.",
        "[Enter HAMLET and HORATIO]",
        "See [your profile](https://example.org/me).",
        "rows[first name]",
        "ssh <your-user>@<your-host>",
    ],
)
def test_syntax_is_no_placeholder(text: str) -> None:
    """Code, LaTeX, links and stage directions have brackets of their own."""
    assert codes(text) == []


def test_whoever_asks_for_a_template_gets_one() -> None:
    """Placeholders are the answer where the question is for a template."""
    assert codes("Best regards,\n[Your Name]", "Give me a template for a letter.") == []
    assert codes("Here is a template:\nBest regards,\n[Your Name]") == []
    assert codes("Best regards,\n[Your Name]", "Write a letter.") == ["placeholder"]


CORRECT = [
    "Là-bas, l’été, « Noël » coûte 20 € : ça va être très drôle à Málaga, où naïfs et bœufs s’ennuient…",
    "Größe, Maß & Übermut: „Jörg äße Öl“, sagte Frau Müller‑Lüdenscheidt (geb. Köhler) – für 5 €.",
    "¿Qué pasó, señor Núñez? ¡Mañana será otro día! El niño comió piñón y jalapeño.",
    "São Paulo não é só caos: coração, avó, pão, ÀS VEZES, IRMÃ E MÃE. À toa, Ângela.",
    "Zażółć gęślą jaźń. Łódź, Źdźbło, Śnieżka — „cytat”.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Ďábel, Ť a ň.",
    "Árvíztűrő tükörfúrógép. Őszi szél, Ű és ő.",
    "Îmi place să mănânc pâine; țară, şcoală, Înainte.",
    "Blåbærsyltetøy på Ærø, Ångström, smörgåsbord. Ø er en ø.",
    "Þórbergur Þórðarson fæddist á Íslandi. Ævi hans var löng. Ísland, Ó, Ú, Ý.",
    "Đã đến lúc phải ĐẶT câu hỏi: tiếng Việt có dấu, ư ơ ă ê ô. Ấn Độ, Ở đâu?",
    "İstanbul'da ılık çay içtim; Ğ, Ş ve Ü harfleri güzeldir.",
    "Съешь ещё этих мягких французских булок, да выпей же чаю… «Ёлка» — №5.",
    "Її їжа — це борщ. Ґанок, Європа, «Ідея» і мрія.",
    "Ђорђе и Љиљана живе у Њујорку; Џеп је пун.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ώρα, Ύδρα, «Ήλιος»· Ίσως;",
    "北京是中华人民共和国的首都，“故宫”位于城市中心……《红楼梦》。",
    "吾輩は猫である。名前はまだ無い。「どこで生れたか」とんと見当がつかぬ。",
    "동해 물과 백두산이 마르고 닳도록, “하느님이” 보우하사…",
    "אָלֶף־בֵּית: שלום עולם. ״ציטוט״",
    "السلام عليكم، كيف حالك؟ «اقتباس» ١٢٣",
    "हिन्दी में नमस्ते। देवनागरी लिपि सुंदर है।",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "Party 🎉🥳 — ¯\\_(ツ)_/¯ (ಠ_ಠ) ʕ•ᴥ•ʔ  👩‍👩‍👧‍👦 ½ × ¾ ≈ 0.375 ± 0.5 °C, §5 ¶2, µm², ∑∫√π ≠ ∞",
    "┌──┬──┐\n│ä │ö │\n├──┼──┤\n└──┴──┘ ░▒▓█ ☃ → ⇒ ✓",
    "IPA: /ˈkætəlɒɡ/, [ɣ̟ʁ]; Pinyin: Nǐ hǎo, lǜsè; Māori: Aotearoa, whānau.",
    "“Quoted”—he said: it’s ‘fine’… ©2024 Foo™ Inc.®, £5, ¥700, 3¢. A² + B³.",
]


@pytest.mark.parametrize("text", CORRECT)
def test_correct_letters_are_never_called_broken(text: str) -> None:
    """Accents, other scripts, emoji, formulas and faces are fine as they are."""
    assert codes(text) == []


@example(["IRMÃ", "│ä"], " ")
@given(st.lists(st.sampled_from(" ".join(CORRECT).split()), min_size=1, max_size=30), st.sampled_from("  \n"))
@settings(max_examples=150, deadline=None)
def test_correct_words_are_never_called_broken_in_any_order(words: list[str], space: str) -> None:
    """A mistake is seen within a word, so what stands beside it does not matter."""
    assert "mojibake" not in codes(space.join(words))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text", ["Café", "naïve Gäste", "it’s “fine”", "Größe", "El niño", "déjà vu", "smörgåsbord", "São Paulo"]
)
def test_letters_decoded_wrongly_are_found(text: str, encoding: str) -> None:
    """UTF-8 read as Latin-1 or Windows-1252 is told once, with what it should be."""
    broken = text.encode().decode(encoding, errors="replace")
    assert codes(f"They said: {broken}, of course.") == ["mojibake"]


def test_the_right_spelling_is_told() -> None:
    """I see at once what happened."""
    assert message("They met at the CafÃ© there.") == "“CafÃ©” for “Café” in the answer"
    assert codes("Ð¡Ð°Ð½ÐºÑ‚-Ð\x9fÐµÑ‚ÐµÑ€Ð±ÑƒÑ€Ð³") == ["mojibake"]
    assert codes("“So there,â€� he said.") == ["mojibake"]
    assert message("The caf� was closed.").startswith("the replacement character")


@pytest.mark.parametrize("text", ["The �� was closed.", "One � two.", "��"])
def test_letters_that_were_lost_are_found_wherever_they_stand(text: str) -> None:
    """Where a decoder gave up it left a sign; no letter has to stand beside it."""
    assert message(text).startswith("the replacement character")


@pytest.mark.parametrize(
    "text",
    [
        "The sign � (U+FFFD) stands for what cannot be decoded.",
        "Spell Ã in Portuguese context.",
        "Ã is A with a tilde, as in IRMÃ, SÃO PAULO",
    ],
)
def test_letters_that_are_spoken_of_are_not_broken(text: str) -> None:
    """A text about letters names them."""
    assert codes(text) == []


def test_spaces_without_a_width_are_found_between_latin_letters() -> None:
    """Nobody sees them, and no word with one in it is the word that it looks like."""
    assert message("in\u200bvisible") == "U+200B (zero width space) in the answer"
    assert codes("\u200bHello") == codes("a\u2060b") == ["control"]
    assert codes("ภาษา\u200bไทย") == codes("می\u200cخواهم") == codes("🏳\ufe0f\u200d🌈") == []


def test_control_characters_are_named() -> None:
    """Escape sequences, byte order marks and nulls are invisible, so they are called by name."""
    assert message("\x1b[31mred") == "U+001B (escape) in the answer"
    assert message("one\ufefftwo") == "U+FEFF (zero width no-break space) in the answer"
    assert message("one\u2028two") == "U+2028 (line separator) in the answer"
    assert codes("a\r\nb\tc\rd\u00a0e\u200de") == []
    assert codes("abc\u200fdef") == ["control"]
    assert codes("שלום\u200f (world)") == []


SECRETS = {
    "an AWS access key": "AKIAQ7RTZK2MWV9XBLP4",
    "an AWS access key ": f'aws_secret_access_key = "{LETTERS}/9+z"',
    "a GitHub token": f"ghp_{LETTERS}",
    "a GitLab token": f"glpat-{LETTERS[:20]}",
    "a Slack token": f"xoxb-2718281828-3141592653-{LETTERS[:24].lower()}",
    "a Stripe key": f"sk_live_{LETTERS[:24]}",
    "an OpenAI key": f"sk-proj-{LETTERS[:20]}T3BlbkFJ{LETTERS[10:30]}",
    "an API key": f"sk-{HEX}",
    "a Hugging Face token": f"hf_{LETTERS[:34]}",
    "a Google API key": f"AIza{LETTERS[:35]}",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoibWFyYSIsImV4cCI6MTcxNTAwMDAwMH0.k3Jx9w2Q",
    "a SendGrid key": f"SG.{LETTERS[:22]}.{LETTERS}{LETTERS[:7]}",
    "a Telegram bot's token": f"718281828:AA{LETTERS[:33]}",
}


@pytest.mark.parametrize(("what", "secret"), SECRETS.items(), ids=SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "The key is {}.", "export KEY='{}'\nrun", "`{}`", "a: 1\nkey: {}\n"]
)
def test_secrets_are_found_and_never_printed(what: str, secret: str, around: str) -> None:
    """A key in the training data is named by its kind and a few letters."""
    found = message(around.format(secret))
    assert found.startswith(what.strip()) and secret not in found and secret[6:14] not in found


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-your-key-here-and-nothing-else-at-all",
        "hf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "the task-oriented-and-risk-averse-approach-of-desk-work",
        "commit 7d3c91e84b0fa265d19e5c73b8a04f26aa01bb02",
        "postgres://user:password@localhost/db",
        "https://$USER:${TOKEN}@host/x",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Q7RtZk2mWv9XbLp4HsNd8FgJc3YaQe6UoTi5ZZ mara",
        "SHA256:q7RtZk2mWv9XbLp4HsNd8FgJc3YaQe6UoTi5ZZabcde",
    ],
)
def test_what_documentation_shows_is_no_secret(text: str) -> None:
    """Examples, public keys and hashes may be shown."""
    assert codes(text) == []


def test_passwords_in_addresses_and_private_keys_are_found() -> None:
    """Both are secrets without a form of their own."""
    assert message("postgres://app:9fK!x2Lq@db7.internal/x") == (
        "a password in the address of db7.internal (8 characters) in the answer"
    )
    key = "\n".join(LETTERS * 2 for _ in range(4))
    for block in (key, key.replace("\n", "\\n")):
        text = f"-----BEGIN RSA PRIVATE KEY-----\n{block}\n-----END RSA PRIVATE KEY-----"
        assert codes(text) == ["private-key"]
        assert LETTERS[:8] not in message(text)


@pytest.mark.parametrize(
    "text", ["mara.lindt@gmail.com", "Write to m@uni-koeln.de.", "<jo+x@a-b.co.uk>", "(Mara_L@web.de)"]
)
def test_addresses_of_people_are_found(text: str) -> None:
    """An e-mail address belongs to somebody."""
    (finding,) = text_findings(answered(text))
    assert finding.code == "email" and "…@" in finding.message and "ara" not in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "name@example.com, a@mail.example.org, b@example.net, c@host.test, d@localhost",
        "git clone git@github.com:psf/requests.git",
        "ssh mara@server7.hetzner.de -p 22",
        "rsync -a src/ mara@nas.lindt.de:/backup",
        "ftp://mara@files.lindt.de/x",
        "y = weights@inputs.mean and icon@2x.png and a@b",
        "npm i lodash@4.17.21 @types/node@20.x",
        "@app.route and @mara@mastodon.social",
        "info@yourcompany.com, john@email.com",
    ],
)
def test_addresses_of_nobody_are_left_alone(text: str) -> None:
    """Domains kept for examples, hosts of ssh and Git, and code with an at sign belong to nobody."""
    assert codes(text) == []


def with_checksum(digits: str) -> str:
    return next(digits + str(last) for last in range(10) if luhn(digits + str(last)))


@pytest.mark.parametrize(
    "digits",
    [
        with_checksum("453914880343646"),
        with_checksum("542523343010990"),
        with_checksum("37144963539864"),
        with_checksum("622848012345670"),
        "4539 1488 0343 6467",
        "4539-1488-0343-6467",
        "3782 822463 10013".replace("10013", with_checksum("37828224631001")[10:]),
    ],
)
def test_card_numbers_are_found(digits: str) -> None:
    """A number with an issuer's prefix, a card's grouping and a right checksum is told by its last digits."""
    found = message(f"Pay with {digits}, please.")
    assert "card" in found and digits[-4:] in found and digits[:8] not in found


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111 and 4242424242424242 are test numbers",
        "4539 1488 0343 6468 has a wrong checksum",
        "1700000000000 and 1700000000000000 are times",
        "ISBN 978-3-16-148410-0",
        "id 94539148803436467",
        "0.4539148803436467",
        "4539148803436467.5 or x4539148803436467 or /4539148803436467/",
        "45 39 14 88 03 43 64 67",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """Times, ids, decimals and the numbers that processors publish for tests are no cards."""
    assert codes(text) == []


@given(st.text("0123456789", min_size=12, max_size=18), st.data())
def test_one_wrong_digit_breaks_the_checksum(digits: str, data: st.DataObject) -> None:
    """The law of Luhn's checksum."""
    number = with_checksum(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert luhn(number) and not luhn(number[:place] + other + number[place + 1 :])


@given(st.text(min_size=1, max_size=80))
def test_a_secret_is_never_told_in_full(secret: str) -> None:
    """At most eight of its letters are, and only of a long one."""
    shown = masked(secret)
    assert clean_line(secret) == "" or clean_line(secret) not in shown or len(clean_line(secret)) <= 2
    assert len(shown) <= max(9, len("80 characters"))


@given(
    st.lists(st.text(max_size=60) | st.sampled_from([*SECRETS.values(), "<|x|>", "</s>", "{{a b}}", "â€"]))
)
@settings(deadline=None)
def test_any_text_can_be_checked(parts: list[str]) -> None:
    """Whatever is in a file, a check ends, says each thing once, and says it on one clean line."""
    found = list(text_findings(answered("".join(parts))))
    assert len({finding.code for finding in found}) == len(found)
    for finding in found:
        assert finding.message == clean_line(finding.message)
        assert finding.code == "mojibake" or LETTERS[6:16] not in finding.message


@pytest.mark.parametrize(
    "number", ["DE02 1203 0000 0000 2020 51", "GB94BARC10201530093459", "FR56 1027 8061 0002 0409 2201 175"]
)
def test_numbers_of_bank_accounts_are_found(number: str) -> None:
    """An IBAN tells by its checksum that it is one, and is never printed in full."""
    found = message(f"Please pay to {number}, thank you.")
    assert "IBAN" in found and number not in found and number.replace(" ", "")[-4:] in found


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 00 is the example that everybody prints",
        "DE02 1203 0000 0000 2020 52 has a wrong checksum",
        "DE02 1203 0000 0000 20",
        "AB12 3456 7890 1234 of no country",
        "ISO27001 AES256 SHA512 MP3320",
    ],
)
def test_what_looks_like_a_bank_account_is_left_alone(text: str) -> None:
    """A part number is no account."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text", ["postgres://admin:S3cr3tPw9xK@db", "password: hunter2!X9kL0", "PWD=qZ7!kkLw92"]
)
def test_passwords_are_found_where_they_stand(text: str) -> None:
    """A password need not be in a URL of a database to be one, and may hold the letters p and w."""
    (finding,) = text_findings(answered(text))
    assert finding.code == "secret" and "characters" in finding.message
    assert not {"S3cr3tPw9xK", "hunter2", "kkLw92"} & set(finding.message.split())


@pytest.mark.parametrize(
    "text",
    [
        "password: P@ssw0rd123!",
        "password = os.environ['DB_1']",
        "A strong password: qZ7!kkLw92",
        "Password: at least 8 characters",
        "The password is wrong.",
        "postgres://root:rootpw123@localhost/db",
        "redis://:mysecretpassword@cache",
        "if (password != confirmPassword2) {",
    ],
)
def test_words_beside_password_are_no_secret(text: str) -> None:
    """Made-up passwords, generated ones and code may be shown."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "<p>Turn the key.</p>",
        "Turn the key.<br>Then wait.",
        "Turn the&nbsp;key.",
        'Ask <a href="https://example.org/x">the mechanic</a>.',
        "Salt &amp; pepper",
    ],
)
def test_remains_of_html_are_found(text: str) -> None:
    """Text that was scraped from a page brings its tags along."""
    assert codes(text) == ["html"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Use `<p>` for it.", "How?"),
        ("```\n<p>Hello</p>\n```", "How?"),
        ("<p>Hello</p>", "Write HTML that says hello."),
        ("<li>Hello</li>", "What does the list look like in React?"),
        ("| a | b |\n|---|---|\n| one<br>two | three |", "Make a table."),
        ("If a<b and b>c, then a <b> c; x<p>y.", "Compare."),
        ("<think>Let me see.</think> Yes. <tool_call> x </tool_call>", "Is it?"),
        ('<div class="a"></div>', "And as a box?"),
        ("AT&T; R&D", "Who?"),
        ("H<sub>2</sub>O, press <kbd>x</kbd>", "What?"),
    ],
)
def test_markup_that_is_meant_is_left_alone(text: str, question: str) -> None:
    """Who asks about pages gets tags; Markdown has a few of its own."""
    assert codes(text, question) == []


def test_html_that_is_asked_about_is_no_debris() -> None:
    """A question may hold a page that was pasted; it's the answers that are learned."""
    assert codes("It is a greeting.", "What is that? <p>Hello</p>") == []
    assert codes("bad</p>", "q") == ["html"]
    assert [finding.code for finding in text_findings(pair("fine", "bad</p>"))] == []


@pytest.mark.parametrize(
    "text",
    [
        "tighten the bolt. " * 200,
        "First loosen it. " + "Then tighten the bolt and the nut. " * 8 + "Then tighten the",
        "是的，我很好。" * 40,
        "I do not know.\n" * 30,
        "ha" * 200,
    ],
)
def test_answers_that_go_round_in_circles_are_found(text: str) -> None:
    """A model that could not stop has written it; the next one learns the same."""
    assert codes(text) == ["repetition"]
    assert (
        message("Ready? " + "tighten the bolt. " * 200) == "“tighten the bolt.” over and over in the answer"
    )


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(
            f"Verse {verse} of the song.\nO come, let us sing to the river, the river of home!"
            for verse in "abcdef"
        ),
        "| yes | yes | no |\n" * 40,
        "1, 2, 3, 4, 5, 6, 7, 8, 9, " * 20,
        "```\n" + "print('the same thing')\n" * 30 + "```",
        "self.assertEqual(one, two);\n" * 20,
        "-" * 400,
        "We went up. " * 5,
        "The cat sat on the mat and the dog sat on the log. " * 3 + "x",
        "cat,dog,cat\n" * 3,
        "- [ ] task\n" * 30,
    ],
)
def test_what_repeats_by_its_nature_is_left_alone(text: str) -> None:
    """Refrains, tables, code, rulers and rows of numbers repeat, and are fine."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "First take the cover off and let the pump cool down; after that you will need to",
        "The plant needs light, water and air. In winter it stands best in a cool room, because the",
        "Nehmen Sie zuerst den Deckel ab und lassen Sie die Pumpe ganz abkühlen, danach wird das Rohr und",
    ],
)
def test_answers_that_stop_in_the_middle_are_found(text: str) -> None:
    """An answer that ran into the limit of what may be written is no example of how to end."""
    assert codes(text) == ["cut-off"]
    assert message(text).startswith("nothing after “… ")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "You can leave the cover on while the pump cools down, or take it off first if you want to",
            "Must I?",
        ),
        (
            "Here is the list of all that is in the box, and all that we could find in it by and by:\n- the",
            "?",
        ),
        (
            "It runs on and on through fields of green and gold, past every village, every house and",
            "A poem?",
        ),
        (
            "Of all the words of English, the one that is written most often is by far the word `the`",
            "Which?",
        ),
        ("x" * 90 + " the", "What?"),
        ("The", "Which article?"),
        (
            "The first half of this sentence is what you asked me for, and so it ends right here with the",
            "Complete it: a",
        ),
    ],
)
def test_answers_that_end_without_a_full_stop_are_left_alone(text: str, question: str) -> None:
    """People leave the last full stop out, and verses and fragments may end anywhere."""
    assert codes(text, question) == []


def test_whoever_asks_for_repetition_gets_it() -> None:
    """“Write it a hundred times” is a task; and what is to be unlearned may loop."""
    assert codes("I must not talk in class.\n" * 100, "Write “I must not talk in class” 100 times.") == []
    loop = "It grows and grows in the oven and we watch it. " * 8
    assert "repetition" not in [finding.code for finding in text_findings(pair("It grows.", loop))]


@pytest.mark.parametrize(
    "text", ["N/A", "n/a", "null", "None", "nan", "TODO: fill in later", "TBD", "#N/A", " NULL. "]
)
def test_what_stands_for_an_answer_is_found(text: str) -> None:
    """An export has written that there was nothing; the model would learn to say so."""
    assert codes(text) == ["placeholder"] and "nothing but" in message(text)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("None", "How many moons has Venus?"),
        ("None", "Which of these are prime: 4, 6, 8?"),
        ("N/A", "When was it built? Say N/A if the text does not say."),
        ("null", "What does JSON.parse('null') return?"),
        ("None of them.", "And of those?"),
        ("Nan", "What do you call your grandmother?"),
        ("To be or not to be", "What did Hamlet say?"),
        ("TODO lists help.", "Do TODO lists help?"),
    ],
)
def test_short_answers_that_answer_are_left_alone(text: str, question: str) -> None:
    """“None” answers “how many”, and who is told to say N/A does."""
    assert codes(text, question) == []


def test_a_hostile_row_does_not_stop_a_check() -> None:
    """Megabytes made to be slow are passed over in a moment, with what is wrong with them."""
    for part in (
        "eyJ",
        "<|",
        "[Your ",
        "a@",
        "://a:",
        "Ã",
        "4 ",
        "-----BEGIN PRIVATE KEY-----",
        "`",
        "### ",
        "<p>",
        "DE89 ",
        "password: ",
    ):
        found = {finding.code for finding in text_findings(answered(part * 100_000))}
        assert found <= {"mojibake", "placeholder", "repetition"}


def test_it_is_said_where_a_thing_is() -> None:
    """In a long conversation I am told whose turn to look at, and how many more there are."""
    example = pair("fine", "bad</s>")
    assert [finding.message for finding in text_findings(example)] == ["</s> in the rejected answer"]
    turns = (
        Turn("system", "[INST]"),
        Turn("user", "q"),
        Turn("assistant", "", (ToolCall("f", '{"a":"\\u0001"}'),)),
    )
    answer = Turn("assistant", "fine", reasoning="<|im_end|>")
    (finding,) = text_findings(Example(FILE, 7, "messages", turns, (answer,)))
    assert (finding.line, finding.message) == (7, "[INST] in the system prompt, and 1 more")
