"""How many weights a model has, and where, from its `config.json` alone.

Decoders of the Llama family and their like: attention over all layers, an MLP with a gate, norms. A mixture
of experts is counted by all its experts and computed by those that are asked. What has another shape is
refused with its name, since a plan that guesses is worse than none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten

_GATED = frozenset(
    {
        *("llama", "mistral", "ministral", "mixtral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "olmo2"),
        *("gemma", "gemma2", "gemma3_text", "phi3", "granite", "smollm3", "exaone4", "stablelm", "olmo"),
    }
)
_PLAIN = frozenset({"phi", "gpt_neox", "starcoder2"})
# An MLP of two products rather than three.

_BIASED_QUERIES = frozenset({"qwen2", "qwen2_moe"})


class Unplannable(FtarenaError):
    """Nothing can be said beforehand about this model; it may train all the same."""


class NoConfig(FtarenaError):
    """A model's `config.json` is no configuration, so that nothing could load it."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a decoder-only language model."""

    hidden: int
    intermediate: int
    """Width of the MLP; of a mixture, of all experts that one token visits together."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    """Rows of the embedding."""

    tied: bool
    """Whether the head is the embedding."""

    mlp_products: int = 3
    """Linear layers of an MLP: gate, up and down, or only up and down."""

    experts: int = 1
    """How many MLPs a layer stores for each one that a token visits, at least 1 (rounded up)."""

    small: int = 0
    """Weights of norms, biases and routers in the whole model."""

    @property
    def kv_width(self) -> int:
        """Width of the keys, and of the values, of one token in one layer."""
        return self.kv_heads * self.head_dim

    @property
    def linear_outputs(self) -> int:
        """Width of what the linear layers of one layer put out for one token, all together."""
        attention = self.heads * self.head_dim + 2 * self.kv_width + self.hidden
        return attention + (self.mlp_products - 1) * self.intermediate + self.hidden

    @property
    def attention_linear(self) -> int:
        """Weights of the linear layers of one layer's attention."""
        width = self.heads * self.head_dim
        return 2 * self.hidden * width + 2 * self.hidden * self.kv_width

    @property
    def layer_computed(self) -> int:
        """Weights of one layer's linear layers that a token is multiplied with."""
        return self.attention_linear + self.mlp_products * self.hidden * self.intermediate

    @property
    def layer_stored(self) -> int:
        """Weights of one layer's linear layers, all experts counted."""
        return self.attention_linear + self.mlp_products * self.hidden * self.intermediate * self.experts

    @property
    def embedding(self) -> int:
        """Weights of the embedding, and as many of the head where it is not tied."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All weights of the model."""
        return self.layers * self.layer_stored + self.embedding * (1 if self.tied else 2) + self.small

    def adapter(self, rank: int, modules: list[str], *, dora: bool = False) -> int:
        """Return how many weights a LoRA adapter has.

        Args:
            rank: Of the adapter.
            modules: `["all-linear"]`, or names of linear layers as a recipe gives them.
            dora: Whether each layer learns the length of its outputs' weights, too.
        """
        width = self.heads * self.head_dim
        sizes = {
            "q_proj": (self.hidden, width),
            "k_proj": (self.hidden, self.kv_width),
            "v_proj": (self.hidden, self.kv_width),
            "o_proj": (width, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }
        if self.mlp_products == 2:
            del sizes["gate_proj"]
        wanted = {module.rpartition(".")[2] for module in modules}
        chosen = [size for name, size in sizes.items() if modules == ["all-linear"] or name in wanted]
        if not chosen:  # `qkv_proj`, `fc1` …: other names for the same
            chosen = list(sizes.values())
        each = sum(rank * (into + out) + (out if dora else 0) for into, out in chosen)
        return self.layers * each * self.experts


def read_shape(folder: Path, name: str) -> Shape:
    """Return the sizes of the model in a folder.

    Args:
        folder: Where its `config.json` is.
        name: What the model is called, for errors.

    Raises:
        Unplannable: There is no `config.json`, or it describes something else than a decoder of the known
            families.
        NoConfig: It cannot be read.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unplannable(
            f"{name} has no config.json, so its size is not known before it is loaded"
        ) from None
    except OSError as error:
        raise NoConfig(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        why = "lists inside lists, too deep" if isinstance(error, RecursionError) else clean_line(str(error))
        raise NoConfig(f"{path} is broken JSON: {shorten(why, 120)}", "fetch the model again") from error
    if not isinstance(config, dict):
        raise NoConfig(f"{path} is no object with the model's sizes", "fetch the model again")
    return shape_of(config, name)


def shape_of(config: Mapping[str, Any], name: str) -> Shape:
    """Return the sizes that a model's configuration describes.

    Raises:
        Unplannable: It describes something else than a decoder of the known families.
    """
    text = config.get("text_config")
    if isinstance(text, Mapping):
        config = text
    kind = str(config.get("model_type") or "")
    if kind not in _GATED | _PLAIN:
        raise Unplannable(
            f"{name} is of the kind {kind or 'unknown'}, whose size cannot be told from its config.json"
        )
    try:
        return _sizes(config, kind)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise Unplannable(f"config.json of {name} does not say how large the model is: {error}") from error


def _sizes(config: Mapping[str, Any], kind: str) -> Shape:
    hidden, layers, heads = (
        int(config[key]) for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")
    )
    kv_heads = int(config.get("num_key_value_heads") or heads)
    head_dim = int(config.get("head_dim") or hidden // heads)
    intermediate = int(config["intermediate_size"])
    experts, small = 1, (2 * layers + 1) * hidden
    stored = int(config.get("num_experts") or config.get("num_local_experts") or 0)
    if stored:
        asked = int(config["num_experts_per_tok"])
        intermediate = int(config.get("moe_intermediate_size") or intermediate) * asked
        experts = -(-stored // asked)
        small += layers * hidden * stored
    if kind in ("gemma2", "gemma3_text"):
        small += 2 * layers * hidden
    if kind in ("qwen3", "qwen3_moe"):
        small += 2 * layers * head_dim
    if kind in _BIASED_QUERIES:
        small += layers * (heads + 2 * kv_heads) * head_dim
    tied = config.get("tie_word_embeddings")
    return Shape(
        hidden=hidden,
        intermediate=intermediate,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=int(config["vocab_size"]),
        tied=bool(tied) if tied is not None else kind.startswith("gemma"),
        mlp_products=2 if kind in _PLAIN else 3,
        experts=experts,
        small=small,
    )
