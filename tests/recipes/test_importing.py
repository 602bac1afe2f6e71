"""Recipes of LLaMA-Factory and axolotl, taken over."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.recipe import import_file
from ftarena.recipes.importing import (
    Fate,
    Imported,
    axolotl_keys,
    import_recipe,
    llamafactory_keys,
    transformers_keys,
    write_recipe,
)
from ftarena.recipes.load import load_recipe
from ftarena.recipes.reading import read_lines
from ftarena.recipes.schema import Recipe
from ftarena.training.data import sources_of

SHARED = Path(__file__).parents[3] / "shared" / "data"
REAL = sorted((SHARED / "recipes").rglob("*.y*ml"))

LLAMA_FACTORY = """\
model_name_or_path: demo:smollm2
stage: dpo
finetuning_type: lora
lora_target: all
template: llama3
dataset: pairs
cutoff_len: 512
"""

AXOLOTL = """\
base_model: demo:smollm2
datasets:
  - path: rows.jsonl
    type: alpaca
sequence_len: 512
micro_batch_size: 2
learning_rate: 2e-4
adapter: lora
lora_r: 8
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with LLaMA-Factory's data folder and a file of rows; the shell is in it."""
    (tmp_path / "data").mkdir()
    info = {
        "pairs": {
            "file_name": "pairs.json",
            "ranking": True,
            "columns": {"prompt": "q", "chosen": "good", "rejected": "bad"},
        },
        "rows": {"file_name": "rows.json"},
    }
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps(info))
    (tmp_path / "data" / "pairs.json").write_text(json.dumps([{"q": "Hi?", "good": "Hello", "bad": "What"}]))
    row = {"instruction": "Say hi", "input": "", "output": "hi"}
    (tmp_path / "data" / "rows.json").write_text(json.dumps([row]))
    rows = [{"instruction": f"Say {number}", "output": str(number)} for number in range(40)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken(text: str, *, rows: int | None = None) -> Imported:
    path = Path("theirs.yaml")
    path.write_text(text)
    return import_recipe(path, count_rows=lambda values: rows)


def fates(imported: Imported) -> dict[str, Fate]:
    return {remark.key: remark.fate for remark in imported.remarks}


def read_back(imported: Imported, **overrides: str) -> Recipe:
    path = Path("ours.yaml")
    path.write_text(write_recipe(imported, path))
    return load_recipe(path, overrides)


@pytest.mark.skipif(not REAL, reason="the real recipes of other tools are not here")
@pytest.mark.parametrize("file", REAL, ids=lambda path: path.stem)
def test_real_recipes_are_taken_over(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each real recipe becomes one of ours that can be run, and each of its keys is accounted for."""
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "ours.yaml"
    assert import_file(file, output, data_folder=SHARED / "llamafactory", as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["problems"] == said["missing"] == []
    keys = Counter(remark["key"] for fate in Fate for remark in said[fate])
    assert keys == Counter(line.key for line in read_lines(file))
    recipe = load_recipe(output)
    given = yaml.safe_load(file.read_text())
    assert recipe.learning_rate == float(given["learning_rate"])
    assert recipe.max_length == given.get("cutoff_len", given.get("sequence_len"))
    assert recipe.method == given.get("stage", given.get("rl", "sft"))
    assert f"ftarena train {output}" in output.read_text().splitlines()[2]


def test_llamafactorys_names_and_data(folder: Path) -> None:
    """Rank, length and data set of LLaMA-Factory arrive, each data set by its description."""
    text = LLAMA_FACTORY + "max_samples: 5\nlora_rank: 4\npref_ftx: 0.5\nval_size: 0.1\nuse_rslora: true\n"
    imported = taken(text)
    assert (imported.tool, imported.problems, imported.missing) == ("LLaMA-Factory", [], [])
    recipe = read_back(imported)
    assert recipe.dataset == [f"{folder / 'data' / 'dataset_info.json'}:pairs#5"]
    assert (recipe.method, recipe.tuning, recipe.lora_r, recipe.max_length) == ("dpo", "rslora", 4, 512)
    assert (recipe.loss_type, recipe.loss_weights, recipe.eval_split) == (["sigmoid", "sft"], [1, 0.5], 0.1)
    assert sources_of(imported.values["dataset"][0].partition("#")[0])[0].shape == "preference"


def test_defaults_of_the_other_tool_are_written_down(folder: Path) -> None:
    """What I never said there and had all the same, I have here as well, and see that it was a default."""
    recipe = read_back(taken(LLAMA_FACTORY))
    assert (recipe.learning_rate, recipe.num_train_epochs, recipe.lora_r) == (5e-5, 3, 8)
    assert (recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps) == (8, 1)
    assert (recipe.loss_type, recipe.warmup_ratio) == (["sigmoid"], 0)
    assert "num_train_epochs: 3  # LLaMA-Factory's default" in Path("ours.yaml").read_text()
    recipe = read_back(taken(AXOLOTL))
    assert (recipe.lr_scheduler_type, recipe.too_long, recipe.num_train_epochs) == ("cosine", "drop", 1)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("pref_loss: orpo", {"method": "orpo"}),
        ("pref_loss: simpo", {"method": "simpo", "simpo_gamma": 0.5}),
        ("pref_loss: ipo", {"method": "ipo"}),
        ("pref_loss: hinge", {"method": "dpo", "loss_type": ["hinge"]}),
        ("quantization_bit: 4", {"tuning": "qlora"}),
        ("quantization_bit: 8", {"tuning": "lora"}),
        ("use_dora: true", {"tuning": "dora"}),
        ("flash_attn: fa2", {"attn_implementation": "flash_attention_2"}),
        ("lora_alpha: 1e1", {"lora_alpha": 10.0}),
        ("lora_target: q_proj,v_proj", {"lora_target_modules": ["q_proj", "v_proj"]}),
        ("lora_target: q_proj,lm_head", {"lora_target_modules": ["q_proj"]}),
        ("stage: pt", {"method": "sft", "packing": True}),
        ("neat_packing: true\nstage: sft", {"method": "sft", "packing": True}),
        ("disable_gradient_checkpointing: true", {"gradient_checkpointing": False}),
        ("warmup_steps: 20\nwarmup_ratio: 0.1", {"warmup_steps": 20}),
        ("dataset: pairs,rows\nmix_strategy: interleave_under\ninterleave_probs: 0.7,0.3", {}),
        ("val_size: 20\neval_strategy: steps\neval_steps: 50", {"eval_split": 20, "eval_steps": 50}),
        ("val_size: 20\neval_strategy: 'no'\neval_steps: 50", {"eval_split": 20, "eval_steps": None}),
        ("report_to: [wandb, tensorboard]", {"report_to": ["wandb", "tensorboard"]}),
        ("run_name: my run/1", {"name": "my-run-1"}),
        ("optim: adamw_8bit", {"optim": "adamw_8bit"}),
        ("bf16: true", {"bf16": True}),
        ("pure_bf16: true", {"tuning": "lora", "pure_bf16": False}),
    ],
)
def test_what_llamafactory_says(folder: Path, lines: str, expected: dict[str, object]) -> None:
    """Each of these means the same here, by our name."""
    text = LLAMA_FACTORY if "dataset:" not in lines else LLAMA_FACTORY.replace("dataset: pairs\n", "")
    imported = taken(f"{text}{lines}\n")
    recipe = read_back(imported)
    assert {key: getattr(recipe, key) for key in expected} == expected
    if "interleave" in lines:
        assert [entry["weight"] for entry in imported.values["dataset"]] == [0.7, 0.3]


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("trust_remote_code: true", "transformers knows the model"),
        ("deepspeed: ds.json", "gradient_accumulation_steps"),
        ("ray_num_workers: 4", "gradient_accumulation_steps"),
        ("quantization_bit: 8", "4 bits"),
        ("additional_target: embed_tokens", "vLLM cannot serve"),
        ("pissa_init: true", "starts at zero"),
        ("resize_vocab: true", "vLLM cannot serve"),
        ("fp16: true", "bf16 is used"),
        ("pref_loss: kto_pair", "sigmoid is used"),
        ("lora_rnak: 4", "did you mean lora_rank?"),
        ("flux_capacitor: 3", "see LLaMA-Factory's documentation"),
        ("adam_beta2: 0.95", "0.999 is used"),
    ],
)
def test_what_cannot_be_carried_says_what_to_do(folder: Path, line: str, instead: str) -> None:
    """Nothing disappears silently: I read what it would have done and what to do instead, in the file too."""
    imported = taken(f"{LLAMA_FACTORY}{line}\n")
    (lost,) = imported.of(Fate.LOST)
    assert lost.key == line.partition(":")[0] and instead in lost.instead
    assert lost.line == 8
    assert f"#   - {lost.key}" in write_recipe(imported, None)
    read_back(imported)


@pytest.mark.parametrize(
    "line", ["trust_remote_code: false", "pissa_init: false", "deepspeed:", "fp16: false"]
)
def test_what_is_off_is_not_lost(folder: Path, line: str) -> None:
    """A thing that was turned off there and is not done here is no loss."""
    imported = taken(f"{LLAMA_FACTORY}{line}\n")
    assert not imported.of(Fate.LOST)


def test_axolotls_names(folder: Path) -> None:
    """Base model, length, batch and rows of axolotl arrive; its entries are kept as they are."""
    imported = taken(
        AXOLOTL + "sample_packing: true\nlora_target_linear: true\nflash_attention: true\n"
        "wandb_project: p\nbf16: auto\nspecial_tokens:\n  pad_token: <pad>\nlora_modules_to_save: [lm_head]\n"
    )
    recipe = read_back(imported)
    assert (recipe.method, recipe.tuning, recipe.lora_r, recipe.packing) == ("sft", "lora", 8, True)
    assert (recipe.attn_implementation, recipe.report_to) == ("flash_attention_2", ["wandb"])
    assert imported.values["dataset"] == [{"path": "rows.jsonl", "type": "alpaca"}]
    assert [remark.key for remark in imported.of(Fate.LOST)] == ["lora_modules_to_save"]


def test_without_an_adapter_axolotl_trains_everything(folder: Path) -> None:
    """A recipe of axolotl that names no adapter is a full fine-tuning, and stays one."""
    imported = taken(AXOLOTL.replace("adapter: lora\n", ""))
    recipe = read_back(imported)
    assert (recipe.tuning, recipe.pure_bf16) == ("full", True)
    assert fates(imported)["lora_r"] is Fate.NEEDLESS


def test_times_an_epoch_become_steps(folder: Path) -> None:
    """`evals_per_epoch: 4` becomes steps where the rows can be counted, and is a remark where not."""
    text = AXOLOTL + "evals_per_epoch: 4\nsaves_per_epoch: 1\nval_set_size: 0.1\nnum_epochs: 2\n"
    recipe = read_back(taken(text, rows=80))  # 40 steps an epoch of 2 rows
    assert (recipe.eval_steps, recipe.save_steps) == (10, 40)
    unknown = taken(text)
    assert fates(unknown)["evals_per_epoch"] is Fate.LOST
    assert "eval_steps" not in unknown.values


def test_the_rows_are_counted_where_they_are_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the data on my disk I need not work out the steps of an epoch myself."""
    path = folder / "theirs.yml"
    path.write_text(AXOLOTL + "evals_per_epoch: 2\nval_set_size: 10\n")
    assert import_file(path, folder / "ours.yaml", data_folder=None, as_json=False) == 0
    said = capsys.readouterr().err
    assert "evals_per_epoch: 2 → eval_steps: 7" in said  # 30 rows left, 15 steps of 2
    assert load_recipe(folder / "ours.yaml").eval_steps == 7


@pytest.mark.parametrize(
    ("rl", "method"), [("dpo", "dpo"), ("ipo", "ipo"), ("kto", "kto"), ("orpo", "orpo"), ("simpo", "simpo")]
)
def test_axolotls_methods(folder: Path, rl: str, method: str) -> None:
    """What axolotl calls rl is a method here."""
    assert read_back(taken(f"{AXOLOTL}rl: {rl}\n")).method == method


def test_an_entry_means_other_columns_for_preferences(folder: Path) -> None:
    """axolotl's `type: chat_template.default` of a DPO recipe is read as pairs, not as conversations."""
    entry = {"path": "rows.jsonl", "type": "chat_template.default", "field_messages": "conversation"}
    imported = taken(yaml.safe_dump({**yaml.safe_load(AXOLOTL), "rl": "dpo", "datasets": [entry]}))
    (read,) = read_back(imported).dataset
    assert sources_of(read, "dpo")[0].shape == "preference"
    assert sources_of(read, "sft")[0].shape == "messages"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (AXOLOTL + "rl: grpo\n", "reward_funcs is not set"),
        (LLAMA_FACTORY.replace("stage: dpo", "stage: ppo"), "method is missing"),
        (LLAMA_FACTORY.replace("dataset: pairs\n", ""), "dataset is missing"),
    ],
)
def test_what_could_not_run_is_written_with_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    """A recipe that lacks something is still written, says what on top, and the exit code is 1."""
    (folder / "theirs.yaml").write_text(text)
    assert import_file(folder / "theirs.yaml", folder / "o.yaml", data_folder=None, as_json=False) == 1
    assert problem in capsys.readouterr().err
    assert f"# It cannot run as it stands:\n#   - {problem}" in (folder / "o.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("output: x\n_component_: torchtune\n", "is no training recipe of LLaMA-Factory or axolotl"),
        ("method: sft\nmodel_name_or_path: m\n", "is a recipe of ftarena already"),
        ("- a\n", "is not a recipe"),
        ("a: [\n", "broken YAML"),
    ],
)
def test_another_file_is_one_error(folder: Path, text: str, said: str) -> None:
    """I named a file of neither tool, and read what was expected."""
    with pytest.raises(UsageError, match=said):
        taken(text)


def test_the_original_is_never_overwritten(folder: Path) -> None:
    """`-o` with the name of the recipe itself is refused."""
    (folder / "theirs.yaml").write_text(AXOLOTL)
    with pytest.raises(UsageError, match="is the recipe that is taken over"):
        import_file(folder / "theirs.yaml", folder / "theirs.yaml", data_folder=None, as_json=False)
    assert (folder / "theirs.yaml").read_text() == AXOLOTL


def test_what_i_edited_is_not_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second import into the same file asks for --force; what cannot be written is said with its place."""
    (folder / "theirs.yaml").write_text(AXOLOTL)
    output = folder / "ours.yaml"
    output.write_text("mine\n")
    with pytest.raises(UsageError, match="is there already") as refused:
        import_file(folder / "theirs.yaml", output, data_folder=None, as_json=False)
    assert "--force" in refused.value.hint and output.read_text() == "mine\n"
    assert import_file(folder / "theirs.yaml", output, data_folder=None, as_json=False, force=True) == 0
    for nowhere in (folder / "no" / "x.yaml", output / "x.yaml", folder / ("x" * 300)):
        with pytest.raises(FtarenaError, match="cannot be written"):
            import_file(folder / "theirs.yaml", nowhere, data_folder=None, as_json=False)


def test_a_bomb_of_aliases_is_not_imported(folder: Path) -> None:
    """Nine lines that stand for a billion values are refused at once."""
    lists = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lists += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(UsageError, match="more than 10,000 values"):
        taken(AXOLOTL + "\n".join(lists))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (AXOLOTL.replace("\n  - path: rows.jsonl\n    type: alpaca", " 5"), "datasets"),
        (LLAMA_FACTORY + "max_samples: abc\n", "max_samples"),
        (LLAMA_FACTORY + "dataset_dir: [1]\n", "dataset_dir"),
    ],
)
def test_a_wrong_value_is_not_called_a_wrong_key(folder: Path, text: str, key: str) -> None:
    """The key is right and its value is not: I am not asked whether I meant the same key."""
    imported = taken(text)
    (remark,) = [remark for remark in imported.of(Fate.LOST) if remark.key == key]
    assert "does not take that value" in remark.said and "did you mean" not in remark.instead
    assert "[1]" not in str(imported.values)


def test_a_base_model_has_no_chat_template_to_use_instead(folder: Path) -> None:
    """Where the model may bring none, the template that is dropped stands under what was not carried over."""
    base = AXOLOTL.replace("demo:smollm2", "meta-llama/Llama-3.2-1B")
    assert fates(taken(base + "chat_template: llama3\n"))["chat_template"] is Fate.LOST
    assert fates(taken(base))["datasets"] is Fate.LOST
    assert fates(taken(base + "chat_template: tokenizer_default\n"))["chat_template"] is Fate.NEEDLESS
    tuned = base.replace("1B", "1B-Instruct")
    assert fates(taken(tuned + "chat_template: llama3\n"))["chat_template"] is Fate.NEEDLESS
    assert fates(taken(LLAMA_FACTORY))["template"] is Fate.NEEDLESS


def test_rows_above_the_limit_are_cut_as_there(folder: Path) -> None:
    """LLaMA-Factory cuts what is longer than cutoff_len; so does the recipe that I get, and it says so."""
    imported = taken(LLAMA_FACTORY)
    assert read_back(imported).too_long == "truncate"
    assert "unlearns stopping" in write_recipe(imported, None)


def test_data_that_are_nowhere_are_one_line(folder: Path) -> None:
    """Without LLaMA-Factory's data folder, one line names its data sets, and the option that finds them."""
    (folder / "data" / "dataset_info.json").unlink()
    (said,) = taken(LLAMA_FACTORY.replace("dataset: pairs", "dataset: pairs, rows")).missing
    assert "pairs, rows are" in said and "--dataset-dir FOLDER" in said
    with pytest.raises(UsageError) as nowhere:
        import_recipe(folder / "nope.yaml")
    assert "LLaMA-Factory or axolotl" in nowhere.value.hint


def test_a_key_that_is_said_twice(folder: Path) -> None:
    """The last one counts, as in both tools, and the other is in the report."""
    imported = taken(LLAMA_FACTORY + "cutoff_len: 64\n")
    assert imported.values["max_length"] == 64
    said = [remark for remark in imported.remarks if remark.key == "cutoff_len"]
    assert [remark.line for remark in said] == [7, 8] and "says it again" in said[0].said


def test_foreign_words_cannot_break_out_of_a_comment(folder: Path) -> None:
    """A line break or an escape in a foreign value stays harmless in the new file."""
    imported = taken(AXOLOTL + 'plugins: "a\\nmethod: dpo\\e[31m"\n')
    text = write_recipe(imported, None)
    assert "\x1b" not in text and yaml.safe_load(text)["method"] == "sft"


def test_the_page_says_what_the_program_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the docs is what I get when I type it."""
    page = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()
    theirs = page.partition("```yaml\n")[2].partition("```")[0]
    shown = page.partition("-o mine.yaml\n")[2].partition("```")[0]
    (folder / "theirs.yml").write_text(theirs)
    assert import_file(Path("theirs.yml"), Path("mine.yaml"), data_folder=None, as_json=False) == 0
    assert capsys.readouterr().err == shown


KEYS = sorted(
    {
        *llamafactory_keys.MARKS,
        *llamafactory_keys.NEEDLESS,
        *llamafactory_keys.LOST,
        *axolotl_keys.MARKS,
        *axolotl_keys.NEEDLESS,
        *axolotl_keys.LOST,
        *transformers_keys.SAME,
        *transformers_keys.NEEDLESS,
        *transformers_keys.LOST,
        *("rl_beta", "pref_ftx", "optim", "optimizer", "eval_steps", "save_steps", "evals_per_epoch", "bf16"),
    }
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 600),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.lists(st.text(max_size=4), max_size=2),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8), st.booleans())
def test_no_value_breaks_the_import(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object], other: bool
) -> None:
    """Whatever a foreign recipe says, every key is accounted for, and what comes out is YAML."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(
        yaml.safe_dump({**yaml.safe_load(AXOLOTL if other else LLAMA_FACTORY), **values}), encoding="utf-8"
    )
    try:
        imported = import_recipe(path)
    except UsageError:
        return
    assert Counter(remark.key for remark in imported.remarks) == Counter(
        line.key for line in read_lines(path)
    )
    assert isinstance(yaml.safe_load(write_recipe(imported, None)), dict)
