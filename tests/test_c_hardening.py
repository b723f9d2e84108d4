"""What `readelf` says of the C client: it is built such that bugs are hard to abuse."""

import os
import platform
import re
import shutil
import subprocess
from functools import cache

import pytest

from tests.c_build import C_CLIENT, make


def flags(**variables: str) -> str:
    """What find_hardening.sh says for this compiler and these flags."""
    return subprocess.run(
        ["sh", "find_hardening.sh"],
        cwd=C_CLIENT,
        env=os.environ | {"CFLAGS": "-O2 -g"} | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@cache
def readelf() -> str:
    """Header, segments, dynamic section and symbols of the client as it is built by default."""
    if not shutil.which("readelf"):
        pytest.skip("there is no readelf here")
    make("chatclient")
    return subprocess.run(
        [
            "readelf",
            "--wide",
            "--file-header",
            "--segments",
            "--dynamic",
            "--symbols",
            "chatclient",
        ],
        cwd=C_CLIENT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(
    ("flag", "pattern"),
    [
        pytest.param("-pie", r"Type: +DYN .*\n", id="anywhere in memory"),
        pytest.param("relro", r"GNU_RELRO", id="relocations are read-only"),
        pytest.param("now", r"BIND_NOW|FLAGS.* NOW", id="all of them"),
        pytest.param("-fstack-protector", r"__stack_chk_fail", id="stack protector"),
        pytest.param("_FORTIFY_SOURCE", r"__\w+_chk\b", id="functions that know their buffers"),
    ],
)
def test_the_client_is_hardened(flag: str, pattern: str) -> None:
    if flag not in flags():
        pytest.skip(f"the compiler here does not take {flag}")
    if flag == "_FORTIFY_SOURCE" and platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc has such functions")
    assert re.search(pattern, readelf())


@pytest.mark.parametrize(
    "cflags", ["-O0", "-O1 -fsanitize=undefined", "-O2 -D_FORTIFY_SOURCE=1 -Werror"]
)
def test_the_users_flags_win(cflags: str) -> None:
    assert "_FORTIFY_SOURCE" not in flags(CFLAGS=cflags)


def test_a_static_client_is_not_position_independent_too() -> None:
    assert "-pie" not in flags(LDFLAGS="-static")
