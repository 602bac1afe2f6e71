"""What a first start can say about this machine: cores, memory, cards, models that are there already."""

from ftarena.text import size
from ftarena.workspace import Workspace, cache_dir


def found_here(workspace: Workspace) -> list[str]:
    """Return what was found, a fact a line. Takes up to a second: it asks the card's driver."""
    from ftarena import hardware

    cards = hardware.gpus()
    memory = hardware.memory()
    facts = [
        f"This machine: {hardware.usable_cores()} cores, "
        f"{size(memory.available)} of {size(memory.total)} memory free"
    ]
    if cards:
        facts += [
            f"GPU: {card.name}, {size(card.free_mib * 2**20)} of {size(card.total_mib * 2**20)} free"
            for card in cards
        ]
    elif hardware.driver_without_cards():
        facts.append("GPU: the kernel sees one, but its driver does not answer (ftarena doctor says more)")
    else:
        facts.append("GPU: none found; small models train and answer on the processor")
    facts.append(f"Disk: {size(hardware.disk_free(workspace.root))} free")
    folder = cache_dir() / "models"
    ready = sorted(p.parent.name for p in folder.glob("*/ftarena.json")) if folder.is_dir() else []
    facts.append(
        f"Models ready in the cache: {', '.join(ready)}" if ready else "Models in the cache: none yet"
    )
    return facts
