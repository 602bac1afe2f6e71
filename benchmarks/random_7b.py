"""Write a model of Qwen2.5-7B's shape with random weights: for measuring memory and speed, not quality.

python benchmarks/random_7b.py FOLDER TOKENIZER_FOLDER
"""

import argparse
import json
import time

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM


def main() -> None:
    """Make the model on the GPU and save it beside the tokenizer of another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("tokenizer")
    options = parser.parse_args()
    # Llama's class, since transformers would read the foreign tokenizer as Qwen's by the type of the model.
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    config = LlamaConfig(
        vocab_size=152064,
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        max_position_embeddings=32768,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    started = time.monotonic()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    model.save_pretrained(options.folder)
    tokenizer.save_pretrained(options.folder)
    seconds = round(time.monotonic() - started, 1)
    print(
        json.dumps({"what": "made 7.6B", "parameters": model.num_parameters(), "seconds": seconds}),
        flush=True,
    )


if __name__ == "__main__":
    main()
