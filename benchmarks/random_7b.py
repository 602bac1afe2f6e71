"""Write a model of Qwen2.5-7B's shape with random weights: for measuring memory and speed, not quality.

python benchmarks/random_7b.py FOLDER TOKENIZER_FOLDER
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM


def main() -> None:
    """Make the model on the GPU and save it beside the tokenizer of another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("tokenizer")
    options = parser.parse_args()
    tokens = json.loads((Path(options.tokenizer) / "generation_config.json").read_text())
    config = LlamaConfig(
        vocab_size=152064,
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        max_position_embeddings=32768,
        tie_word_embeddings=False,
        bos_token_id=tokens["bos_token_id"],
        eos_token_id=tokens["eos_token_id"],
        pad_token_id=tokens["pad_token_id"],
    )
    started = time.monotonic()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    model.save_pretrained(options.folder)
    # Copied, not loaded and saved: transformers chooses another class by the type of the model beside it.
    for pattern in ("tokenizer*", "chat_template.jinja", "generation_config.json"):
        for file in Path(options.tokenizer).glob(pattern):
            shutil.copy(file, options.folder)
    seconds = round(time.monotonic() - started, 1)
    print(
        json.dumps({"what": "made 7.6B", "parameters": model.num_parameters(), "seconds": seconds}),
        flush=True,
    )


if __name__ == "__main__":
    main()
