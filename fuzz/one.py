"""python -m fuzz.one NAME [ARGUMENT OF LIBFUZZER…]: one Python target under Atheris.

Atheris is libFuzzer for Python: what is imported here is instrumented, so that it sees which
octets lead to new code.
"""

import shlex
import sys

import atheris

_INSTRUMENTED = ["chatproto", "conformance"]


def main(name: str, arguments: list[str]) -> None:
    """Does not return: libFuzzer ends the process."""
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from fuzz.targets import TARGETS

    again = shlex.join([sys.executable, "-m", "fuzz.one", name])  # so libFuzzer starts its helpers
    atheris.Setup([again, *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
