"""What a method starts from where a recipe says nothing, and where the figures come from."""

from dataclasses import dataclass

from ftarena.recipes.keys.task import Method

FULL_LR_DIVISOR = 10.0
"""A full fine-tuning wants about a tenth of LoRA's learning rate (Schulman et al. 2025)."""


@dataclass(frozen=True)
class Defaults:
    """Starting points of one method."""

    lora_learning_rate: float
    """With an adapter of rank 16 on all linear layers and 16 examples a step."""

    beta: float | None
    loss_type: tuple[str, ...]
    source: str
    """Where they come from."""

    def learning_rate(self, *, has_adapter: bool) -> float:
        """Return the peak learning rate."""
        return self.lora_learning_rate / (1.0 if has_adapter else FULL_LR_DIVISOR)


_OF: dict[Method, Defaults] = {
    "sft": Defaults(1e-4, None, ("nll",), "Schulman et al. 2025; TRL's 2e-5 is a full fine-tuning value"),
    "dpo": Defaults(5e-6, 0.1, ("sigmoid", "sft"), "Rafailov et al. 2023; SFT term: arXiv 2404.19733"),
    "ipo": Defaults(5e-6, 0.1, (), "Azar et al. 2023, arXiv 2310.12036"),
    "kto": Defaults(5e-6, 0.1, (), "Ethayarajh et al. 2024, arXiv 2402.01306: 1e-6 to 5e-6"),
    "orpo": Defaults(5e-6, 0.1, (), "Hong et al. 2024, arXiv 2403.07691"),
    "simpo": Defaults(
        5e-6, 2.0, (), "Meng et al. 2024, arXiv 2405.14734; its full fine-tuning: 3e-7 to 1e-6"
    ),
    "cpo": Defaults(5e-6, 0.1, (), "Xu et al. 2024, arXiv 2401.08417"),
    "reward": Defaults(1e-4, None, (), "TRL 1.16's default with LoRA; a new head has to be learned"),
    "grpo": Defaults(
        5e-6, 0.0, (), "Shao et al. 2024, arXiv 2402.03300: 1e-6 for full; beta 0 is TRL's default"
    ),
}


def defaults_of(method: Method) -> Defaults:
    """Return the starting points of a method."""
    return _OF[method]
