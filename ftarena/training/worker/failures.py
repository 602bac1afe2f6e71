"""Why a run failed, in one line for a person. The traceback is in the log."""

import errno

from ftarena.errors import FtarenaError

_MEMORY_ADVICE = (
    "halve per_device_train_batch_size and double gradient_accumulation_steps, "
    "then gradient_checkpointing: true, then a smaller max_length"
)


def explain(error: BaseException) -> str:
    """Return what went wrong and what to do about it, on one line.

    Args:
        error: What ended the run. Recognised by type name and text, so that no library is imported for it.
    """
    text = " ".join(str(error).split())
    kind = type(error).__name__
    low = text.lower()
    if isinstance(error, FtarenaError):
        return "; ".join(part for part in (error.message, error.hint) if part).replace("\n", " | ")
    if kind == "OutOfMemoryError" or "cuda out of memory" in low:
        return f"the GPU's memory is full: {_MEMORY_ADVICE}, then load_in_4bit: true"
    if isinstance(error, MemoryError) or "can't allocate memory" in low or "cannot allocate memory" in low:
        return f"the main memory is full: {_MEMORY_ADVICE}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full: free some space, or set save_total_limit lower"
    if isinstance(error, ModuleNotFoundError):
        return f"the Python package {error.name} is missing: install it, or leave out the key that needs it"
    if "cuda error" in low or "cublas" in low or "nccl" in low:
        return f"the GPU failed: {text[:200]}"
    return f"{kind}: {text[:300]}" if text else kind
