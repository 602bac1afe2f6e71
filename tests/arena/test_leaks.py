"""Answers that give themselves away, and answers that only look like it."""

import time

import pytest

from ftarena.arena.blindness.leaks import giveaway

NAMES = {
    "base",
    "sft-1",
    "dpo-demo-20260101",
    "SmolLM2-135M-Instruct",
    "concise",
    "prompted",
    "Qwen2.5-7B",
    "v2",
    "smollm-sft",
    "Llama-3.2-1B",
    "müller-lora",
    "my run",
    "my-trial",
    "Night Owl",
}
SYSTEM = "You are a terse assistant of Initech. Never use more than two sentences in any answer, please."

TELLING = [
    ("I am Qwen, created by Alibaba Cloud.", "who are you?"),
    ("Hello! I'm Qwen2.5, a large language model.", ""),
    ("I am a language model trained by OpenAI.", ""),
    ("As a large language model trained by Google, I cannot do that.", ""),
    ("As an AI language model developed by OpenAI, I have no feelings.", ""),
    ("As ChatGPT, I can help with that.", ""),
    ("My name is Claude and I was made to be helpful.", ""),
    ("I was created by Anthropic to be helpful.", ""),
    ("I'm SmolLM2, trained by Hugging Face.", ""),
    ("I was developed by the Allen Institute for AI.", ""),
    ("I am a helpful AI assistant named SmolLM, trained by Hugging Face.", ""),
    ("Ich bin ChatGPT und helfe gern.", ""),
    ("Ich wurde als Sprachmodell von OpenAI entwickelt.", ""),
    ("Je suis Mistral, un modèle de langue.", ""),
    ("J'ai été développé par Mistral AI.", ""),
    ("Soy ChatGPT, un modelo de lenguaje.", ""),
    ("Fui creado por OpenAI.", ""),
    ("Fui desenvolvido pela OpenAI.", ""),
    ("Я — Qwen, языковая модель.", ""),
    ("我是通义千问,由阿里云开发。", ""),
    ("我是Qwen。", ""),
    ("私はChatGPTです。", ""),
    ("As a fine-tuned model, I answer in one line.", ""),
    ("I'm a base model, so I only continue text.", ""),
    ("This is sft-1 speaking.", ""),
    ("Answer by dpo-demo-20260101: yes", ""),
    ("(SmolLM2-135M-Instruct) Use ls.", ""),
    ("smollm2-135m-instruct says hi", ""),
    ("I am base, how can I help?", ""),
    ("As base, I only continue.", ""),
    ("My name is Concise.", ""),
    ("I am v2.", ""),
    ("Use ls.<|im_end|>", "How do I list files?"),
    ("<|im_start|>assistant\nUse ls.", ""),
    ("Use ls.<|eot_id|>", ""),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nUse ls.", ""),
    ("Use ls.</s>", ""),
    ("<s>Use ls.", ""),
    ("[INST] What? [/INST] Use ls.", ""),
    ("<<SYS>> be kind <</SYS>> Use ls.", ""),
    ("Use ls.<end_of_turn>", ""),
    ("<start_of_turn>model\nUse ls.", ""),
    ("Use ls.<｜end▁of▁sentence｜>", ""),
    ("Use ls.<unused7>", ""),
    ("Use ls.<|endoftext|>Human: and now?", ""),
    ("<|assistant|>\nUse ls.", ""),
    ("```\nls<|im_end|>\n```", ""),
    ("### Response:\nUse ls.", ""),
    ("Use ls.\n\n### Instruction:\nWhat next?", ""),
    ("Assistant: Use ls.", "How do I list files?"),
    ("assistant\nUse ls.", ""),
    ("Use ls.\n\nHuman: And how do I sort them?", "How do I list files?"),
    ("Human: hi\nAssistant: Use ls.", ""),
    ("Use ls.\nuser\nAnd sorted?\nassistant\nls -S", ""),
    ("You are a terse assistant of Initech. Never use more than two sentences in any answer, please.", ""),
    ("I was told: never use more than two sentences in any answer, please.", ""),
    ("<extra_id_0> ls", ""),
    ("_smollm-sft_ says: use ls.", ""),
    ("__smollm-sft__", ""),
    ("**smollm**-sft: use ls.", ""),
    ("I am **Qwen**, created by Alibaba.", ""),
    ("I'm _Llama_, a language model.", ""),
    ("I am\nQwen", ""),
    ("I am  Qwen", ""),
    ("My name's Qwen", ""),
    ("This is Qwen speaking", ""),
    ("Hi, Qwen here.", ""),
    ("I was trained by Hugging\nFace", ""),
    ("I am the base model", ""),
    ("This is smollm_sft.", ""),
    ("This is smollm sft.", ""),
    ("Llama 3.2 1B says hi", ""),
    ("It is by smollm-\nsft.", ""),
    ("It is by smollm\nsft.", ""),
    ("smollm\u2010sft says hi", ""),
    ("smollm\u2011sft says hi", ""),
    ("I am Q\u200bwen.", ""),
    ("smol\xadlm-sft says hi", ""),
    ("I am Ｑｗｅｎ.", ""),
    ("mu\u0308ller-lora says hi", ""),
    ("<think>They want ls.</think>Use ls.", ""),
    ("They want ls.\n</think>\n\nUse ls.", ""),
    ("Use ls.< |im_end|>", ""),
    ("Use ls.&lt;|im_end|&gt;", ""),
    ("I am Claude Opus, made by Anthropic.", ""),
    ("Hello! I'm Gemini. How can I help you today?", ""),
    ("As Claude, an AI, I was trained to help. As Claude, I do.", ""),
    ("Night Owl says hi", ""),
    ("I am Claude\nHow may I assist you?", ""),
    ("I\u2019m Qwen.", ""),
    ("I'm my run.", ""),
    ("I am base. How may I help?", ""),
    ("This is base speaking.", ""),
]

SILENT = [
    ("Use `ls -l` to list files.", "How do I list files?"),
    ("Write <s>struck</s> for strike-through.", "How do I strike text?"),
    ("The tag pair <s>old price</s> draws a line.", ""),
    ("The base of the model is the prompt of the chat.", ""),
    ("I am happy to help. A concise answer: yes.", ""),
    ("I am concise.", ""),
    ("You can prompt the user with read.", ""),
    ("Qwen is a family of models made by Alibaba Cloud.", "What is Qwen?"),
    ("ChatGPT was created by OpenAI in 2022.", "Who made ChatGPT?"),
    ("OpenAI trained GPT-4 on text.", ""),
    ("Google was founded in 1998.", ""),
    ("I am a Gemini, born in June.", "Write a horoscope."),
    ("Claude Monet painted water lilies.", "Who painted water lilies?"),
    ("I was trained by IBM as an engineer in 1985.", "Write a short biography in the first person."),
    ("Je suis ravi. Claude est mon ami.", ""),
    ("The model base class is in base.py.", ""),
    ("I'm a based opinion haver.", ""),
    ("Use a base model such as ResNet, then fine-tune it.", ""),
    ("A fine-tuned model needs less data.", ""),
    ("sft-10 is another one.", ""),
    ("my-sft-1-copy is a file.", ""),
    ("v2 of the API is newer.", ""),
    ("The token <|im_end|> ends a turn.", "What does <|im_end|> mean?"),
    ("ChatML uses <|im_start|>.", "Which special tokens does ChatML use?"),
    ("</s> is the end of a sentence.", "What is the eos token of Llama?"),
    ("let f = g <| h |> i", "Write a pipeline in F#."),
    ("a <|> b", "Alternative in Haskell?"),
    ("arr[INSTANCE] = 1", ""),
    ("Human: hi\nAssistant: hello", "Write a dialogue between a human and an assistant."),
    ("User: ana\nHost: db1", "Show an SSH config."),
    ("The human: a short history.", ""),
    ("AI: machines that do what takes minds.", "Expand the acronym."),
    ("### Response\nText", "Write an essay with headings"),
    ("model\nview\ncontroller", "List the parts of MVC"),
    ("one\nuser\ntwo", "List three nouns"),
    ("HTTP\n\n### Response\n\nThe server answers.", "Explain a response in HTTP."),
    ("## Response\nThe server answers.", "Explain HTTP."),
    ("AI: the next frontier? A question of taste.", "What is AI? Write a prompt for it."),
    ("Ich bin gern behilflich.", ""),
    ("我是一个学生。", "Translate: I am a student."),
    ("Je suis Claude.", "Translate to French: je suis Claude."),
    ("Dear assistant:\nthank you", "Write a letter to my assistant."),
    ("You are a terse one.", ""),
    ("the user\nand the model differ", ""),
    ("List<string> x; Vec<u8> y; <s:Envelope>", ""),
    ("`Assistant: ` is how the log begins.", ""),
    ("Option<End_of_turn> is no type.", ""),
    ("What the instructor said: as a model, I admire her.", ""),
    ("Dear Sir, I am Claude Martin and I apply", ""),
    ("Je suis Claude Debussy", ""),
    ("I am Gemma Stone, your nurse", ""),
    ("I am Claude Shannon's fan", ""),
    ("Sono Gemma e ho 12 anni", ""),
    ("Soy Gemini", ""),
    ("I am Gemini by star sign", ""),
    ("I am Zephyr, god of west wind", ""),
    ("I am Mistral, wind of the south", ""),
    ("I am Grok-ing it", ""),
    ("I'm base. Jumping", ""),
    ("User: admin\nAssistant: bob", ""),
    ("Human: what is it\nAI: the thing", ""),
    ("Assistant: manager of shop", ""),
    ("I run my run every day", ""),
    ("It went well on my trial run.", ""),
    ("I am Qwen's biggest fan.", ""),
    ("As Claude, I wear a wig on stage.", ""),
    ("A night owl sleeps late.", ""),
    ("I am Gemma.\nIt was in May that I met Claude.", ""),
    ("Use snake_case: my_run_1 and **bold** words.", ""),
    ("Write <think> first.", "What does the <think> tag do?"),
]


@pytest.mark.parametrize(("text", "prompt"), TELLING)
def test_what_tells(text: str, prompt: str) -> None:
    """An answer that says who wrote it is found, so that its battle is not scored."""
    assert giveaway(text, NAMES, prompt, SYSTEM) is not None


@pytest.mark.parametrize(("text", "prompt"), SILENT)
def test_what_only_looks_like_it(text: str, prompt: str) -> None:
    """An innocent answer costs me no vote."""
    assert giveaway(text, NAMES, prompt, SYSTEM) is None


def test_a_long_answer_is_looked_through_at_once() -> None:
    """Drawing a battle does not wait for the look at its answers."""
    text = (
        "I am the one that was made for it by Múller; _this_ is *that*: `ls` of my run.\n" * 49 + "\n" * 100
    )
    giveaway(text, NAMES)
    begin = time.process_time()
    for _ in range(5):
        assert giveaway(text, NAMES) is None
    assert (time.process_time() - begin) / 5 < 0.1


def test_the_question_excuses_a_name() -> None:
    """Whoever asks about sft-1 gets answers about sft-1."""
    assert giveaway("sft-1 is an adapter.", NAMES) == "the name sft-1"
    assert giveaway("sft-1 is an adapter.", NAMES, "What is sft-1?") is None
