"""Writes mutants of the client: its sources with one bug of mutants.toml put in.

mutate.py NAME         the sources of one, in build/mutants/NAME/
mutate.py --names TLS  all names; where TLS is ``none``, without those that need it
mutate.py --list TLS   the same as build/mutants/list.toml, for the suite's ``selftest --also``
"""

import json
import os
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parent
PLACE = CLIENT / "build" / "mutants"
COPIED = ("*.c", "*.h", "*.sh", "Makefile", "fuzz/*.c", "fuzz/*.h")


def mutants() -> dict[str, dict[str, Any]]:
    """The table, by name."""
    rows = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    return {row["name"]: row for row in rows}


def buildable(tls: str) -> list[dict[str, Any]]:
    """Those that can be built with that library for TLS, or ``none``."""
    return [row for row in mutants().values() if tls != "none" or row["file"] != "tls_openssl.c"]


def mutated(mutant: dict[str, Any]) -> str:
    """The changed file; ValueError if the text to be replaced is not there exactly once."""
    source = (CLIENT / mutant["file"]).read_text(encoding="utf-8")
    count = source.count(mutant["old"])
    if count != 1:
        raise ValueError(
            f"The mutant {mutant['name']} is stale: its old text stands {count} times "
            f"in {mutant['file']}, not once."
        )
    return source.replace(mutant["old"], mutant["new"])


def write(mutant: dict[str, Any]) -> None:
    """Copy all that a build needs, with the one change. What is the same is left alone."""
    changed = mutated(mutant)
    for source in (path for pattern in COPIED for path in CLIENT.glob(pattern)):
        name = source.relative_to(CLIENT)
        text = changed if str(name) == mutant["file"] else source.read_text(encoding="utf-8")
        copy = PLACE / mutant["name"] / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            new = copy.with_name(f"{copy.name}.{os.getpid()}")  # somebody may read the old one
            new.write_text(text, encoding="utf-8")
            shutil.copymode(source, new)
            new.replace(copy)


def listed(mutant: dict[str, Any]) -> str:
    """An entry of the list; a string or an array of strings is written alike in JSON and TOML."""
    program = shlex.quote(str(PLACE / mutant["name"] / "chatclient"))
    entry = {
        "kind": "client",
        "name": f"c-{mutant['name']}",
        "requirements": mutant["requirements"],
        "command": f"{program} {mutant.get('arguments', '{host} {port}')}",
    }
    rows = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in entry.items())
    return "[[mutant]]\n" + "".join(rows)


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit status."""
    table = mutants()
    match arguments:
        case ["--names", tls]:
            print("\n".join(row["name"] for row in buildable(tls)))
        case ["--list", tls]:
            text = "\n".join(map(listed, buildable(tls)))
            (PLACE / "list.toml").write_text(text, encoding="utf-8")
        case [name] if name in table:
            try:
                write(table[name])
            except ValueError as error:
                sys.exit(str(error))
        case [name]:
            sys.exit(f"There is no mutant {name}; mutate.py --names openssl lists all.")
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
