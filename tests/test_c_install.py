"""`make install` and `make uninstall` of the C client."""

import os
import subprocess
from pathlib import Path

from tests.c_build import make

ROOT = Path(__file__).parent.parent


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_install_and_uninstall(tmp_path: Path) -> None:
    stage = tmp_path / "a stage"
    others = stage / "opt/chat/bin/other"
    others.parent.mkdir(parents=True)
    others.touch()

    make("install", "PREFIX=/opt/chat", f"DESTDIR={stage}")
    program, page = (
        stage / "opt/chat/bin/chatclient",
        stage / "opt/chat/share/man/man1/chatclient.1",
    )
    assert files(tmp_path) == {str(each.relative_to(tmp_path)) for each in (program, page, others)}
    assert os.access(program, os.X_OK)
    assert not os.access(page, os.X_OK)
    assert page.read_bytes() == (ROOT / "man" / "chatclient.1").read_bytes()
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("chatclient ")

    make("uninstall", "PREFIX=/opt/chat", f"DESTDIR={stage}")
    assert files(stage) == {"opt/chat/bin/other"}


def test_it_goes_below_usr_local_by_default(tmp_path: Path) -> None:
    make("install", f"DESTDIR={tmp_path}")
    assert files(tmp_path) == {
        "usr/local/bin/chatclient",
        "usr/local/share/man/man1/chatclient.1",
    }
