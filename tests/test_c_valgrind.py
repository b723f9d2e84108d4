"""Short conversations of the C client under valgrind: no wrong access, no leak."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.test_c_client import EDITORS, QUESTION, Peer, Piped, Starter, Terminal, leave
from tests.test_c_tls import TlsServer, authority, context_for, speaks_tls

FAULT_FOUND = 99
NOT_TO_BE_SHOWN = (
    b"no line",
    b"bob>\x07",
    b"bob>\xff",
    b"SERVER>\\joined ann bob",
    b"SERVER>\\left bob",
)


class Checked(Starter):
    """A starter whose programs run under valgrind."""

    def __init__(self, editor: str, stack: ExitStack, log: Path) -> None:
        super().__init__(editor, stack)
        self.log = log
        self.program, self.client = "valgrind", self.program
        self.options = (
            *("--quiet", f"--log-file={log}", f"--error-exitcode={FAULT_FOUND}"),
            *("--leak-check=full", "--errors-for-leak-kinds=definite", self.client),
        )

    def pipes(self, *arguments: str, **options: object) -> Piped:
        return super().pipes(*self.options, *arguments, **options)

    def terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        return super().terminal(*self.options, *arguments, rows=rows, columns=columns)

    def expect_no_fault(self, status: int) -> None:
        assert self.log.read_text(encoding="utf-8", errors="replace") == ""
        assert status != FAULT_FOUND


@pytest.fixture(params=EDITORS)
def checked(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Checked]:
    if not shutil.which("valgrind"):
        pytest.skip("there is no valgrind here")
    monkeypatch.delenv(
        "CHATCLIENT", raising=False
    )  # it may have sanitizers, which valgrind cannot run
    with ExitStack() as stack:
        yield Checked(request.param, stack, tmp_path / "log")


def part(client: Terminal, peer: Peer) -> int:
    """The person leaves, and all is in order."""
    client.type("\\quit")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    return client.finish()


@pytest.mark.parametrize("checked", ["none"], indirect=True)
def test_with_pipes(checked: Checked) -> None:
    client, peer = checked.chat("relay")
    client.type("hello", "x" * 1200, b"\xff", b"\x07", "last")
    peer.expect("ann>hello", "ann>" + "x" * 500, "ann>" + "x" * 500, "ann>" + "x" * 200)
    peer.expect("ann>last")
    peer.send("bob>hi", *NOT_TO_BE_SHOWN, "bob>there")
    client.until("bob>there\n")
    status = leave(client, peer)
    checked.expect_no_fault(status)
    assert status == 0


@pytest.mark.parametrize("checked", ["none"], indirect=True)
def test_with_pipes_and_an_early_end(checked: Checked) -> None:
    client, peer = checked.chat("turns")
    client.type("one", "two", "three")
    peer.expect("ann>one")
    peer.send(b"SERVER>\\error idle")
    status = client.finish()
    checked.expect_no_fault(status)
    assert status == 1
    assert b"2 texts were not sent" in client.err


@pytest.mark.parametrize("checked", ["none"], indirect=True)
@pytest.mark.parametrize("host", ["localhost", "other.example"])
def test_over_tls(checked: Checked, tmp_path: Path, host: str) -> None:
    if not speaks_tls(checked.client):
        pytest.skip("the program was built without TLS")
    server = TlsServer()
    server.context = context_for(host)
    checked.stack.callback(server.close)
    authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client = checked.pipes("--tls", "--ca", str(tmp_path / "ca.pem"), "localhost", server.port)
    if host == "localhost":
        peer = server.accept()
        client.type("ann", "hello")
        peer.expect(r"ann>\join chat/1", "ann>hello")
        peer.send(r"SERVER>\welcome chat/1 turns", "SERVER>" + "x" * 500)
        client.until("x" * 500 + "\n")
        status = leave(client, peer)
    else:
        with pytest.raises(OSError):
            server.accept().sock.recv(1)
        status = client.finish()
    checked.expect_no_fault(status)
    assert status == (host != "localhost")


def test_at_a_terminal(checked: Checked) -> None:
    client, peer = checked.terminal_chat("turns")
    client.type("hello")
    peer.expect("ann>hello")
    client.until_last("(SERVER's turn) ann>")
    client.type("typed early")
    client.until_anywhere("1 waiting")
    peer.send("SERVER>good morning, ann", *NOT_TO_BE_SHOWN)
    client.until_anywhere("SERVER>good morning, ann")
    peer.expect("ann>typed early")
    peer.send("SERVER>so am I")
    client.until_last("ann>")
    status = part(client, peer)
    checked.expect_no_fault(status)
    assert status == 0


@pytest.mark.parametrize("checked", ["readline", "libedit"], indirect=True)
def test_with_an_editor_another_handle_and_another_size(checked: Checked) -> None:
    client = checked.terminal(*checked.address)
    peer = checked.server.accept()
    client.until_last(QUESTION)
    client.type("bob")
    peer.expect(r"bob>\join chat/1")
    peer.send(r"SERVER>\error handle-taken")
    peer.close()
    peer = checked.server.accept()
    client.until_last(QUESTION)
    client.type("ann")
    peer.expect(r"ann>\join chat/1")
    peer.send(r"SERVER>\welcome chat/1 relay")
    client.until_last("ann>")
    client.child.setwinsize(24, 40)
    client.screen.resize(24, 40)
    client.press("half a text")
    client.until_last("ann>half a text")
    peer.send("bob>" + "x" * 100)
    client.until_anywhere("x" * 100)
    client.until_last("ann>half a text")
    client.type(" and the rest")
    peer.expect("ann>half a text and the rest")
    client.press("\x1b[A")
    client.until_last("ann>half a text and the rest")
    client.child.kill(signal.SIGINT)
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    status = client.finish()
    checked.expect_no_fault(status)
    assert status == 0
