"""Other tools' descriptions of data, read unchanged: LLaMA-Factory's info file, Axolotl's recipes."""
