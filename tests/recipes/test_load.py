"""Recipes: what they may say, and how they say what is wrong."""

import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.errors import UsageError
from ftarena.recipes.choices import OPTIMISERS, TRACKERS
from ftarena.recipes.data_entries import path_of
from ftarena.recipes.load import dump_recipe, load_recipe
from ftarena.recipes.names import ALIASES, GONE
from ftarena.recipes.schema import Recipe, split_sample

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a data file, and the shell in it."""
    (tmp_path / "data.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe_file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text("method: sft\nmodel_name_or_path: demo:smollm2\ndataset: data.jsonl\n" + text)
    return path


def problems(path: Path | None, overrides: dict[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as error:
        load_recipe(path, overrides)
    return error.value.message


@pytest.mark.parametrize("name", ["demo-sft.yaml", "demo-dpo.yaml"])
def test_the_demos_recipes_are_valid(name: str) -> None:
    """The recipes that I am told to start from work, from any folder."""
    recipe = load_recipe(CONFIGS / name)
    assert recipe.name == name.removesuffix(".yaml")
    assert all(Path(path_of(entry)[0]).is_file() for entry in recipe.dataset)


def test_the_recipe_for_a_gpu_wants_only_my_data(folder: Path) -> None:
    """The big recipe is complete but for the file of my own."""
    name = "dpo-lora-7b-24gb.yaml"
    message = problems(CONFIGS / name)
    assert "dataset: there is no file my-" in message and message.count("\n") == 0
    recipe = load_recipe(CONFIGS / name, {"dataset": "data.jsonl"})
    assert recipe.learning_rate is not None and recipe.learning_rate <= 2e-4


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_each_recipe_opens_with_the_command_that_runs_it(path: Path) -> None:
    """I open a recipe and see at once how to run it."""
    head = path.read_text().splitlines()[:8]
    assert any(f"ftarena train configs/{path.name}" in line for line in head)


def test_defaults_depend_on_the_method(folder: Path) -> None:
    """I say nothing about learning rates and get one that suits the method."""
    sft = load_recipe(recipe_file(folder, ""))
    dpo = load_recipe(recipe_file(folder, ""), {"method": "dpo"})
    assert (sft.learning_rate, sft.loss_type, sft.lora_alpha) == (1e-4, ["nll"], 32)
    assert (dpo.learning_rate, dpo.loss_type, dpo.loss_weights) == (5e-6, ["sigmoid", "sft"], [1, 1])
    assert sft.name == "mine"


def test_1e4_without_a_dot_is_a_number(folder: Path) -> None:
    """YAML 1.1 reads `1e-4` as text; I meant the number."""
    assert load_recipe(recipe_file(folder, "learning_rate: 1e-4\n")).learning_rate == 1e-4


def test_the_command_line_wins(folder: Path) -> None:
    """Every key is also an option, with dashes or underscores; a list is written as in YAML."""
    path = recipe_file(folder, "learning_rate: 1e-4\nseed: 1\nwarmup_ratio: 0.1\n")
    overrides = {"learning-rate": "2e-4", "max_steps": "10", "lora-target-modules": "[q_proj, v_proj]"}
    recipe = load_recipe(path, {**overrides, "warmup-ratio": "null", "warmup-steps": "3"})
    assert (recipe.learning_rate, recipe.max_steps, recipe.seed) == (2e-4, 10, 1)
    assert (recipe.lora_target_modules, recipe.warmup_ratio, recipe.warmup_steps) == (
        ["q_proj", "v_proj"],
        None,
        3,
    )


def test_no_file_is_needed(folder: Path) -> None:
    """Everything may be said on the command line."""
    recipe = load_recipe(None, {"method": "dpo", "model": "demo:smollm2", "data": "data.jsonl#5"})
    assert (recipe.name, recipe.dataset) == ("dpo", [f"{folder / 'data.jsonl'}#5"])


def test_other_tools_names_are_understood_and_said_once(folder: Path) -> None:
    """I come from LLaMA-Factory and axolotl; my keys work, and I learn their names here."""
    notes: list[str] = []
    path = recipe_file(folder, "lora_rank: 8\ncutoff_len: 99\nmicro_batch_size: 2\nnum_epochs: 3\n")
    recipe = load_recipe(path, on_note=notes.append)
    assert (recipe.lora_r, recipe.max_length, recipe.per_device_train_batch_size) == (8, 99, 2)
    assert recipe.num_train_epochs == 3
    assert notes[0] == f"{path}:4: lora_rank is understood as lora_r" and len(notes) == 4


def test_aliases_lead_to_keys_that_exist() -> None:
    """No name of another tool leads nowhere, and none hides a key of our own."""
    assert set(ALIASES.values()) <= set(Recipe.model_fields)
    assert not (set(ALIASES) | set(GONE)) & set(Recipe.model_fields)
    assert not set(ALIASES) & set(GONE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("learning_rat: 1", "mine.yaml:4: unknown key learning_rat, did you mean learning_rate?"),
        ("lora_rnak: 1", "did you mean lora_r?"),
        ("xyzzy: 1", "mine.yaml:4: unknown key xyzzy"),
        ("trust_remote_code: true", "code that comes with a model is never run"),
        ("lora_r: sixteen", "mine.yaml:4: lora_r is sixteen: expected a whole number"),
        ("lora_r: 1.5", "expected a whole number"),
        ("learning_rate: yes", "learning_rate is True: expected a number, not yes or no"),
        ("learning_rate: .nan", "expected a"),
        ("packing: perhaps", "packing is perhaps: expected true or false"),
        ("too_long: ignore", "too_long is ignore: expected 'error', 'drop' or 'truncate'"),
        ("name: ../up", "name is ../up: expected letters"),
        ("lora_target_modules: [q_proj, lm_head]", "vLLM cannot serve an adapter with lm_head"),
        ("seed: 1\nseed: 2", "mine.yaml:5: seed says seed a second time (mine.yaml:4"),
        ("lora_r: 1\nlora_rank: 2", "mine.yaml:5: lora_rank says lora_r a second time"),
        ("beta: 0.2", "beta belongs to method dpo, ipo, kto, orpo, simpo, cpo, grpo, but method is sft"),
        ("loss_type: sigmoid", "loss_type sigmoid does not fit method sft"),
        ("warmup_ratio: 0.1\nwarmup_steps: 5", "warmup_ratio and warmup_steps are both set"),
        ("eval_steps: 5\ngeneral_dataset: []", "neither eval_dataset nor eval_split nor general_dataset"),
        ("eval_steps: 5\nearly_stopping_patience: 2", "early_stopping_patience is set, but there is neither"),
        ("eval_split: 0.1\neval_dataset: data.jsonl", "eval_split and eval_dataset are both set"),
        ("eval_dataset: nope.jsonl", "mine.yaml:4: eval_dataset: there is no file nope.jsonl in"),
        ("a: [", "mine.yaml:5: broken YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(folder: Path, line: str, message: str) -> None:
    """One line tells me which key, what I gave and what is expected."""
    said = problems(recipe_file(folder, line + "\n")).replace(str(folder) + "/", "")
    assert message in said
    assert "\n" not in said and "Traceback" not in said


def test_all_problems_are_said_at_once(folder: Path) -> None:
    """I mend a recipe once, not once for each mistake; in the order of the file."""
    lines = problems(recipe_file(folder, "seed: a\nlora_r: b\npacking: c\n")).splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines] == ["seed", "lora_r", "packing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method: dpo\npacking: true\n", "packing belongs to method sft"),
        ("method: dpo\nloss_weights: [1]\n", "loss_weights has 1 values, but loss_type has 2"),
        ("method: dpo\nlabel_smoothing: 0.1\n", "label_smoothing is set, but loss_type"),
        ("method: ppo\n", "method is ppo: expected 'sft', 'dpo', 'ipo'"),
        ("", "method is missing"),
    ],
)
def test_values_that_disagree_name_both_keys(folder: Path, text: str, message: str) -> None:
    """Contradictions are found before a night is lost."""
    path = folder / "dpo.yaml"
    path.write_text(text + "model_name_or_path: demo:smollm2\ndataset: data.jsonl\n")
    assert message in problems(path)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "\t"])
def test_a_file_that_is_no_recipe_says_so(folder: Path, text: str) -> None:
    """I named the wrong file."""
    path = folder / "other.yaml"
    path.write_text(text)
    assert "other.yaml" in problems(path)


def test_a_missing_recipe_is_named(folder: Path) -> None:
    """I mistyped the path."""
    assert "there is no recipe nope.yaml" in problems(Path("nope.yaml"))


def test_paths_are_looked_for_near_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe in `configs/` names data beside `configs/`, and works from anywhere; an option does not."""
    (tmp_path / "repo" / "configs").mkdir(parents=True)
    (tmp_path / "repo" / "data.jsonl").write_text("{}\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = recipe_file(tmp_path / "repo" / "configs", "")
    assert load_recipe(path).dataset == [str(tmp_path / "repo" / "data.jsonl")]
    assert "there is no file data.jsonl" in problems(path, {"dataset": "data.jsonl"})


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "learning_rate": st.floats(1e-9, 0.5),
        "lora_r": st.integers(1, 512),
        "lora_alpha": st.floats(0.1, 1000),
        "max_length": st.integers(8, 100_000),
        "num_train_epochs": st.floats(0.1, 100),
        "seed": st.integers(0, 2**32 - 1),
        "too_long": st.sampled_from(["error", "drop", "truncate"]),
        "bf16": st.booleans(),
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
        "lora_target_modules": st.lists(st.sampled_from(["q_proj", "v_proj", "all-linear"]), min_size=1),
    },
)


@settings(deadline=None)  # the first example pays for what is read once
@given(method=st.sampled_from(["sft", "dpo"]), values=VALUES)
def test_a_resolved_recipe_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, method: str, values: dict[str, object]
) -> None:
    """What the run's folder says it did is what it would do again."""
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "data.jsonl").write_text("{}\n")
    base = {"method": method, "model_name_or_path": "demo:smollm2", "dataset": [str(folder / "data.jsonl")]}
    recipe = Recipe.model_validate({**base, **values}).resolved()
    path = folder / "resolved.yaml"
    path.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        ("a.jsonl", ("a.jsonl", None)),
        ("a.jsonl#5", ("a.jsonl", 5)),
        ("a#b.jsonl", ("a#b.jsonl", None)),
        ("a#0", ("a#0", None)),
    ],
)
def test_a_sample_is_written_behind_the_path(entry: str, parts: tuple[str, int | None]) -> None:
    """`file.jsonl#500` is 500 rows of it."""
    assert split_sample(entry) == parts


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("max_steps: 0", "max_steps is 0: expected at least 1, or -1 for no limit"),
        ("max_length: 1048577", "max_length is 1048577: "),
        ("num_train_epochs: 1e300", "num_train_epochs is 1e300: "),
        ("gradient_accumulation_steps: 1000000000000", "gradient_accumulation_steps is 1000000000000: "),
        ("eval_split: 2.5", "eval_split is 2.5: expected a share below 1, or a whole number of rows"),
        (
            "optim: adamw_tocrh",
            "optim is adamw_tocrh: expected an optimiser of transformers, such as adamw_torch",
        ),
        ("report_to: tensorbord", "report_to is tensorbord: expected none, all, or some of"),
        ("report_to: [none, wandb]", "expected none alone"),
        ("lora_target_modules: []", "lora_target_modules is []: expected at least one"),
        ("lora_target_modules: model.lm_head", "vLLM cannot serve an adapter with model.lm_head"),
        ("optim: ''", "optim is empty: expected text"),
        ("init_from: " + "a" * 5000, "expected a name that a file or folder could have"),
        ('init_from: "a\\0b"', "expected a name that a file or folder could have"),
        ("seed: !!int x", "broken YAML: "),
        ("seed: 0x" + "f" * 6000, "seed is a very long number: "),
        ("name: !!python/object/apply:os.getcwd []", "broken YAML: could not determine a constructor"),
    ],
)
def test_what_no_run_could_do_is_refused(folder: Path, line: str, said: str) -> None:
    """A value that could only fail later, or never end, is refused at once, with key and line."""
    message = problems(recipe_file(folder, line))
    assert message.startswith(f"{folder / 'mine.yaml'}:4: ") and said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[]", "dataset is []: expected at least one"),
        ("''", "dataset is empty: expected text"),
        ("3", "dataset: there is no file 3 in "),
        ("[data.jsonl, 3]", "dataset: there is no file 3 in "),
        ("/dev/null", "dataset: /dev/null is no ordinary file"),
        ("data.jsonl#0", "data.jsonl#0 ends in #0, expected a number of rows, 1 or more"),
        ("data.jsonl#-1", "data.jsonl#-1 ends in #-1, expected a number of rows"),
        ("data.jsonl#²", "data.jsonl#² ends in #², expected a number of rows"),
        ("0x" + "f" * 6000, "dataset is a very long number: "),
        ("a" * 5000, "dataset: there is no file aaa"),
        ("~nobody-of-that-name/x", "dataset: there is no file ~nobody-of-that-name/x in "),
    ],
)
def test_what_is_no_data_file_is_said(folder: Path, value: str, said: str) -> None:
    """Whatever I write for dataset, one line names the key and the recipe's line."""
    path = folder / "mine.yaml"
    path.write_text(f"method: sft\nmodel_name_or_path: demo:smollm2\ndataset: {value}\n")
    message = problems(path)
    assert message.startswith(f"{path}:3: ") and said in message
    assert "\n" not in message


def test_an_option_without_its_value(folder: Path) -> None:
    """A bare --learning-rate is an option that lacks its value, not a learning rate of "true"."""
    message = problems(recipe_file(folder, ""), {"learning_rate": "true"})
    assert message == "--learning-rate has no value: expected a number"
    assert load_recipe(recipe_file(folder, ""), {"use_liger_kernel": "true"}).use_liger_kernel


def test_a_file_with_a_number_sign_in_its_name(folder: Path) -> None:
    """A file that is really called so is taken as it is."""
    (folder / "data.jsonl#0").write_text("{}\n")
    found = load_recipe(recipe_file(folder, ""), {"dataset": "data.jsonl#0"}).dataset
    assert found == [str(folder / "data.jsonl#0")]


@pytest.mark.parametrize(
    ("size", "portions", "then"), [(8, 1, 2), (8, 2, 4), (4, 4, 4), (2, 2, 1), (6, 1, 2)]
)
def test_auto_learns_as_much_a_step_as_the_number_it_replaces(
    folder: Path, size: int, portions: int, then: int
) -> None:
    """`--per-device-train-batch-size auto` changes how fast my recipe is, not how many steps it takes."""
    notes: list[str] = []
    lines = f"per_device_train_batch_size: {size}\ngradient_accumulation_steps: {portions}\n"
    path = recipe_file(folder, lines)
    found = load_recipe(path, {"per_device_train_batch_size": "auto"}, on_note=notes.append)
    assert (found.per_device_train_batch_size, found.gradient_accumulation_steps) == ("auto", then)
    assert bool(notes) == (size * portions % 4 > 0)
    both = {"per_device_train_batch_size": "auto", "gradient_accumulation_steps": "7"}
    assert load_recipe(path, both).gradient_accumulation_steps == 7


def test_a_bomb_of_aliases_is_one_short_message(folder: Path) -> None:
    """A few lines of YAML that stand for a list of billions cost no memory and no screen."""
    lists = ["&a [x, x, x, x, x, x, x, x, x]"]
    lists += [f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghijkl")]
    message = problems(recipe_file(folder, f"report_to: [{', '.join(lists)}]"))
    assert "more than 10,000 values" in message and len(message) < 3000


def test_what_is_far_too_large_is_no_recipe(folder: Path) -> None:
    """`/dev/zero`, a file of rows, or a list that holds itself is refused before it fills the memory."""
    with pytest.raises(UsageError, match="no ordinary file"):
        load_recipe(Path("/dev/zero"))
    large = folder / "large.yaml"
    large.write_text("name: " + "x" * 1_000_001)
    with pytest.raises(UsageError, match=r"larger than 1\.0 MB"):
        load_recipe(large)
    large.write_text("".join(f"key{number}: 1\n" for number in range(20_000)))
    with pytest.raises(UsageError, match="more than 10,000 values"):
        load_recipe(large)
    large.write_text("name: &a [*a]\n")
    with pytest.raises(UsageError, match="more than 10,000 values"):
        load_recipe(large)


def test_lists_too_deep_are_broken_yaml(folder: Path) -> None:
    """A recipe of nothing but brackets is an error of mine, not a crash."""
    assert "too deep" in problems(recipe_file(folder, "name: " + "[" * 3000))


def test_names_of_optimisers_and_trackers_are_those_of_transformers() -> None:
    """What transformers has can be asked for, and nothing else."""
    spec = find_spec("transformers")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent  # read, not imported: that would cost seconds
    source = (package / "training_args.py").read_text()
    names = source.partition("class OptimizerNames")[2].partition("\n\n\n")[0]
    assert set(re.findall(r'^    [A-Z0-9_]+ = "(\w+)"', names, re.MULTILINE)) == set(OPTIMISERS)
    source = (package / "integrations" / "integration_utils.py").read_text()
    names = source.partition("INTEGRATION_TO_CALLBACK = {")[2].partition("}")[0]
    assert set(re.findall(r'"(\w+)":', names)) == set(TRACKERS)


def test_what_is_no_text_is_no_recipe(tmp_path: Path) -> None:
    """A folder, or a file that is no text, is called that instead of the system's words."""
    with pytest.raises(UsageError, match="is a folder, not a recipe"):
        load_recipe(tmp_path)
    file = tmp_path / "model.yaml"
    file.write_bytes(b"\xaf\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_recipe(file)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("ppo", "did you mean grpo, which needs no value model"),
        ("rm", "did you mean reward?"),
        ("pt", "did you mean sft on rows of plain text"),
        ("DPO", "did you mean dpo?"),
        ("grop", "did you mean grpo?"),
        ("qlora", "did you mean sft with tuning: qlora?"),
    ],
)
def test_a_method_by_another_name(folder: Path, method: str, said: str) -> None:
    """I write what another tool calls it, or mistype it, and read what it is here."""
    assert said in problems(None, {"method": method, "model": "demo:smollm2", "data": "data.jsonl"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("use_dora: true", "use_dora is not a key here: use tuning: dora"),
        ("quantization_bit: 4", "use tuning: qlora for 4 bits"),
        ("resume_from_checkpoint: x", "ftarena runs resume RUN goes on"),
        ("flash_attention: true", "use attn_implementation: flash_attention_2"),
        ("finetuning_type: freeze", "tuning is freeze: expected lora, dora"),
    ],
)
def test_keys_of_other_tools_that_are_none_here(folder: Path, line: str, said: str) -> None:
    """A key that I know from elsewhere is answered with what does the same here."""
    assert said in problems(recipe_file(folder, line + "\n"))


def test_another_tools_recipe_is_recognised(folder: Path) -> None:
    """I start a recipe of axolotl as it is, and am told how to take it over."""
    path = folder / "axolotl.yaml"
    path.write_text(
        "base_model: demo:smollm2\ndatasets:\n- path: data.jsonl\n  type: alpaca\nlora_target_linear: true\n"
    )
    with pytest.raises(UsageError) as error:
        load_recipe(path)
    assert f"ftarena recipe import {path} -o OUT.yaml" in error.value.hint
