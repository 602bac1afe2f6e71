"""`ftarena check FILE… [--eval FILE…]`: a summary first, then each finding with its place and its remedy."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ftarena.curation.check import check_files
from ftarena.text import clean_line

MAX_SHOWN = 50

_WORDS = {"prompt": "prompt without an answer"}


def check(files: Sequence[Path], *, eval_files: Sequence[Path] = (), as_json: bool = False) -> int:
    """Print what is wrong with data files; return 1 if anything is an error, else 0.

    Raises:
        FtarenaError: A file cannot be read at all.
    """
    report = check_files(files, eval_files)
    if as_json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
        return int(report.errors > 0)
    for name, shapes in report.stats["rows"].items():
        counts = ", ".join(f"{count} {_WORDS.get(shape, shape)}" for shape, count in shapes.items())
        counts = counts or "nothing usable"
        print(f"{clean_line(name)}: {counts}")
    for (severity, code), count in sorted(Counter((f.severity, f.code) for f in report.findings).items()):
        print(f"  {count:>6} × {severity} {code}")
    for finding in report.findings[:MAX_SHOWN]:
        place = f"{clean_line(str(finding.file))}:{finding.line}"
        print(f"{place}: {finding.severity}: {clean_line(finding.message)}")
        print(f"    → {finding.remedy}")
    if len(report.findings) > MAX_SHOWN:
        print(f"… and {len(report.findings) - MAX_SHOWN} more; all of them: --json")
    if not report.findings:
        print(f"{report.examples} examples, nothing wrong.")
    return int(report.errors > 0)
