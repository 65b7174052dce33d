"""Looks for input that breaks a parser, guided by the code it reaches: atheris (libFuzzer), for as long as is said.

``pip install atheris`` first. Each parser runs in a process of its own; a finding is kept as a file and told, and
``--reproduce FILE`` runs it again. Without findings the exit code is 0.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

MAX_LENGTH = 4096
INPUT_TIMEOUT_S = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help="names of parsers (all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each parser (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("fuzz-output"), help="corpus and findings (%(default)s)")
    parser.add_argument("--reproduce", type=Path, metavar="FILE", help="run one input of the only PARSER")
    arguments = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is missing; pip install atheris, or use FUZZ_EXAMPLES with pytest Testing/fuzz\n")
        return 2
    if arguments.reproduce is not None:
        from parsers import try_parser

        try_parser(arguments.parsers[0], arguments.reproduce.read_bytes())
        return 0
    names = arguments.parsers or known_parsers()
    found = [name for name in names if not survives(name, arguments.seconds, arguments.output / name)]
    sys.stdout.write(f"findings: {', '.join(found) or 'none'}\n")
    return 1 if found else 0


def known_parsers() -> list[str]:
    from parsers import PARSERS

    return list(PARSERS)


def survives(name: str, seconds: int, folder: Path) -> bool:
    """Fuzz one parser; libFuzzer ends its process, so that it needs one of its own."""
    from parsers import PARSERS

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(PARSERS[name].seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, __file__.replace("fuzz_parsers", "fuzz_one"), name, str(corpus)]
    limits = [f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH}", f"-timeout={INPUT_TIMEOUT_S}"]
    with (folder / "log.txt").open("wb") as log:
        done = subprocess.run(
            [*command, *limits, f"-artifact_prefix={folder}/"], stdout=log, stderr=subprocess.STDOUT, check=False
        )
    text = (folder / "log.txt").read_text(errors="replace").splitlines()
    summary = next((line for line in reversed(text) if line.startswith(("Done", "#"))), "no summary")
    sys.stdout.write(f"{name}: {'ok' if done.returncode == 0 else f'FOUND, see {folder}'} ({summary.strip()})\n")
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
