"""Targets that do harm to whoever tests them; the conformance suite has to bear all of them.

python tests/hostile_targets.py NAME PORT         a server
python tests/hostile_targets.py NAME HOST PORT    a client

NAME is one of TARGETS. With CHAT_HOSTILE_PIDS in the environment each process adds its number
to the file of that name, so that a test can see that none is left.
"""

import contextlib
import os
import random
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

MEGABYTE = 1 << 20
MUCH = 100 * MEGABYTE
LINES = b"bob>" + b"x" * 59 + b"\n"


def forever() -> None:
    threading.Event().wait()


def note_pid() -> None:
    if "CHAT_HOSTILE_PIDS" in os.environ:
        with Path(os.environ["CHAT_HOSTILE_PIDS"]).open("a", encoding="ascii") as noted:
            noted.write(f"{os.getpid()}\n")


def pour(descriptor: int, octets: bytes, much: float) -> None:
    """Write the octets again and again, and nothing else meanwhile."""
    block = octets * (65536 // len(octets))
    done = 0.0
    while done < much:
        done += os.write(descriptor, block)


def listen(port: str, backlog: int = 16) -> socket.socket:
    return socket.create_server(("127.0.0.1", int(port)), backlog=backlog)


def accepted(port: str) -> Iterator[socket.socket]:
    with listen(port) as listening:
        while True:
            yield listening.accept()[0]


def each_in_a_thread(port: str, serve: Callable[[socket.socket], object]) -> None:
    for sock in accepted(port):
        threading.Thread(target=_bearing, args=(serve, sock), daemon=True).start()


def _bearing(serve: Callable[[socket.socket], object], sock: socket.socket) -> None:
    try:
        serve(sock)
    except OSError:
        sock.close()


class Relay:
    """As much of a relay as the requirement RELAY-3 needs. A subclass does the harm."""

    def __init__(self) -> None:
        self.handles: dict[socket.socket, str] = {}
        self.unread: dict[socket.socket, bytes] = {}
        self.selector = selectors.DefaultSelector()
        self.connections = 0

    def serve(self, port: str) -> None:
        listening = listen(port)
        self.selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is listening:
                    sock = listening.accept()[0]
                    self.connections += 1
                    self.selector.register(sock, selectors.EVENT_READ)
                    self.handles[sock], self.unread[sock] = "", b""
                    self.connected(sock)
                elif isinstance(key.fileobj, socket.socket):
                    self.hear(key.fileobj)

    def connected(self, sock: socket.socket) -> None:
        """A connection has come."""

    def hear(self, sock: socket.socket) -> None:
        try:
            octets = sock.recv(65536)
        except OSError:
            octets = b""
        *lines, self.unread[sock] = (self.unread[sock] + octets).split(b"\n")
        for line in lines:
            handle, _, text = line.decode(errors="replace").partition(">")
            if text == "\\quit":
                octets = b""
                break
            self.bind(sock, handle, welcome=text.startswith("\\join"))
            if not text.startswith("\\join"):
                self.tell(sock, f"{handle}>{text}\n")
        if not octets:
            self.selector.unregister(sock)
            if handle := self.handles.pop(sock, ""):
                self.tell(sock, f"SERVER>\\left {handle}\n")
            sock.close()

    def bind(self, sock: socket.socket, handle: str, *, welcome: bool) -> None:
        if self.handles[sock]:
            return
        here = [f"SERVER>\\joined {each}\n" for each in self.handles.values() if each]
        if welcome:
            self.say(sock, f"SERVER>\\welcome chat/1 relay here={len(here)}\n{''.join(here)}")
        self.tell(sock, f"SERVER>\\joined {handle}\n")
        self.handles[sock] = handle

    def tell(self, but: socket.socket, line: str) -> None:
        for sock in self.handles:
            if sock is not but:
                self.say(sock, line)

    def say(self, sock: socket.socket, text: str) -> None:
        with contextlib.suppress(OSError):
            sock.sendall(text.encode())


SMOKE_CONNECTIONS = 2 * 5
LATE_MAX = 5
"""So many a relay gets in the smoke test."""


class HangsLater(Relay):
    def connected(self, sock: socket.socket) -> None:
        del sock
        if self.connections == 20:
            forever()


class Later(Relay):
    """It goes wrong once all its processes together have had the connections of the smoke test."""

    def __init__(self) -> None:
        super().__init__()
        self.had = Path(os.environ["CHAT_HOSTILE_PIDS"] + ".connections")

    @property
    def late(self) -> bool:
        return self.had.exists() and self.had.stat().st_size > SMOKE_CONNECTIONS

    def connected(self, sock: socket.socket) -> None:
        with self.had.open("ab") as had:
            had.write(b".")
        if self.late:
            self.go_wrong(sock)

    def go_wrong(self, sock: socket.socket) -> None:
        """Do harm to one connection, or all."""


class DiesLater(Later):
    def go_wrong(self, sock: socket.socket) -> None:
        del sock
        os._exit(3)


class DiesAtRandom(Relay):
    def connected(self, sock: socket.socket) -> None:
        del sock
        late = self.connections - SMOKE_CONNECTIONS
        if late > LATE_MAX or (late > 0 and random.random() < 0.1):
            os.abort()


class DiesForGood(DiesLater):
    """Once the smoke test is over it dies, and does not start again."""

    def __init__(self) -> None:
        super().__init__()
        if self.late:
            sys.exit("The database is locked.")


class FloodsLater(Later):
    """Whoever was there is flooded when somebody comes."""

    def go_wrong(self, sock: socket.socket) -> None:
        for other in self.handles:
            if other is not sock:
                pour_socket(other, LINES)


class FloodsScreenLater(Later):
    def go_wrong(self, sock: socket.socket) -> None:
        del sock
        pour(1, LINES, float("inf"))


class Tells(Relay):
    """Tells through a pipe with a name that the time has come, and hangs from then on."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def connected(self, sock: socket.socket) -> None:
        del sock
        if self.connections == self.at:
            Path(os.environ["CHAT_HOSTILE_PIPE"]).write_bytes(b".")
            forever()


class FailsAlways(Later):
    """Every connection after the smoke test is accepted, and hears nothing."""

    def hear(self, sock: socket.socket) -> None:
        if not self.late:
            super().hear(sock)
        elif not sock.recv(65536):
            self.selector.unregister(sock)
            sock.close()


def pour_socket(sock: socket.socket, octets: bytes, much: float = MUCH) -> None:
    block = octets * (65536 // len(octets))
    done = 0
    while done < much:
        sock.sendall(block)
        done += len(block)
    sock.close()


def floods_socket(port: str) -> None:
    each_in_a_thread(port, lambda sock: pour_socket(sock, LINES))


def floods_empty_lines(port: str) -> None:
    each_in_a_thread(port, lambda sock: pour_socket(sock, b"\n"))


def endless_line(port: str) -> None:
    each_in_a_thread(port, lambda sock: pour_socket(sock, b"x", float("inf")))


def floods_screen(port: str) -> None:
    """It would be right, if its screen took all of it."""
    pour(1, LINES, MUCH)
    Relay().serve(port)


class FloodsMeanwhile(Relay):
    """From the first connection on, and beside all it has to do."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor

    def connected(self, sock: socket.socket) -> None:
        del sock
        if self.connections == 1:
            threading.Thread(
                target=pour, args=(self.descriptor, LINES, float("inf")), daemon=True
            ).start()


def floods_errors(port: str) -> None:
    pour(2, LINES, MUCH)
    Relay().serve(port)


def spins(port: str) -> None:
    with listen(port):
        while True:
            pass


def never_answers(port: str) -> None:
    each_in_a_thread(port, lambda _sock: forever())


def never_accepts(port: str) -> None:
    with listen(port, 0):
        forever()


def never_listens(_port: str) -> None:
    forever()


def listens_late(port: str) -> None:
    time.sleep(2)
    Relay().serve(port)


def accepts_and_closes(port: str) -> None:
    for sock in accepted(port):
        sock.close()


def drips(port: str) -> None:
    def drip(sock: socket.socket) -> None:
        while True:
            sock.sendall(b"x")
            time.sleep(0.2)

    each_in_a_thread(port, drip)


def prompts_on_terminal(port: str) -> None:
    with open("/dev/tty", "r+b", buffering=0) as terminal:  # noqa: PTH123
        terminal.write(b"Password: ")
        terminal.read(1)
    Relay().serve(port)


def forks(port: str) -> None:
    """A child in its group and one in a session of its own; both outlive it."""
    for away in (False, True):
        subprocess.Popen(
            [sys.executable, __file__, "sleeps", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=away,
        )
    Relay().serve(port)


def sleeps(_port: str) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    forever()


def forks_and_dies(port: str) -> None:
    """Only the child, in a session of its own, serves; a shell script ends like that."""
    ended, alive = os.pipe()
    if os.fork():
        sys.exit(0)
    os.close(alive)
    os.read(ended, 1)
    os.setsid()
    note_pid()
    Relay().serve(port)


def ignores_signals(port: str) -> None:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(each, signal.SIG_IGN)
    Relay().serve(port)


def dies_at_once(_port: str) -> None:
    sys.exit("I need a licence file.")


def dies_after_first(port: str) -> None:
    for sock in accepted(port):
        sock.close()
        os._exit(3)


def closes_output(port: str) -> None:
    os.close(1)
    Relay().serve(port)


def writes_rubbish(port: str) -> None:
    """On its screen and its standard error, where a report might show it."""
    rubbish = b"\xff\xfe\x1b]0;title\x07\x1b[2J\x1b[31m\0\x9b\xed\xa0\x80 </script>\n" * 3
    os.write(1, rubbish)
    os.write(2, rubbish)
    for sock in accepted(port):
        sock.sendall(rubbish)
        sock.close()


def dies_with_rubbish(_port: str) -> None:
    os.write(1, b"\xff\x1b[2J\x1b]0;title\x07 cannot bind\n")
    sys.exit(1)


# Clients


def client_floods_screen(_host: str, _port: str) -> None:
    pour(1, LINES, float("inf"))


def client_floods_errors(_host: str, _port: str) -> None:
    pour(2, LINES, float("inf"))


def client_floods_socket(host: str, port: str) -> None:
    with socket.create_connection((host, int(port))) as sock:
        pour_socket(sock, b"ann>" + b"x" * 59 + b"\n", float("inf"))


def client_endless_line(host: str, port: str) -> None:
    with socket.create_connection((host, int(port))) as sock:
        pour_socket(sock, b"x", float("inf"))


def client_prompts(_host: str, port: str) -> None:
    prompts_on_terminal(port)


def client_forks(_host: str, port: str) -> None:
    forks(port)


def client_dies(_host: str, port: str) -> None:
    dies_at_once(port)


def client_spins(_host: str, _port: str) -> None:
    while True:
        pass


def client_ignores_signals(_host: str, _port: str) -> None:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(each, signal.SIG_IGN)
    forever()


def tls_garbage(port: str, *_files: str) -> None:
    each_in_a_thread(port, lambda sock: sock.sendall(b"\x16\x03\x03\x10\x00" + b"garbage" * 999))


def tls_hangs(port: str, *_files: str) -> None:
    each_in_a_thread(port, lambda _sock: forever())


def tls_cut_record(port: str, *files: str) -> None:
    _after_handshake(port, files, b"\x17\x03\x03\x40\x00half")


def tls_bad_record(port: str, *files: str) -> None:
    _after_handshake(port, files, b"\x17\x03\x03\x00\x20" + b"x" * 32)


def tls_old(port: str, *files: str) -> None:
    _after_handshake(port, files, b"", ssl.TLSVersion.TLSv1_2)


def _after_handshake(
    port: str,
    files: Sequence[str],
    octets: bytes,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.maximum_version = version

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as shaken:
            shaken.recv(65536)
            os.write(shaken.fileno(), octets)

    each_in_a_thread(port, serve)


def client_tls_garbage(host: str, port: str, *_files: str) -> None:
    socket.create_connection((host, int(port))).sendall(b"ann>\\join chat/1\n" * 9)
    forever()


def client_tls_hangs(host: str, port: str, *_files: str) -> None:
    connected = socket.create_connection((host, int(port)))
    connected.sendall(b"\x16\x03\x01")
    forever()


TARGETS: dict[str, Callable[..., None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        floods_socket,
        floods_empty_lines,
        endless_line,
        floods_screen,
        floods_errors,
        spins,
        never_answers,
        never_accepts,
        never_listens,
        listens_late,
        accepts_and_closes,
        drips,
        prompts_on_terminal,
        forks,
        sleeps,
        forks_and_dies,
        ignores_signals,
        dies_at_once,
        dies_after_first,
        closes_output,
        writes_rubbish,
        dies_with_rubbish,
        tls_garbage,
        tls_hangs,
        tls_cut_record,
        tls_bad_record,
        tls_old,
        client_floods_screen,
        client_floods_errors,
        client_floods_socket,
        client_endless_line,
        client_prompts,
        client_forks,
        client_dies,
        client_spins,
        client_ignores_signals,
        client_tls_garbage,
        client_tls_hangs,
    )
}
RELAYS: dict[str, Callable[[], Relay]] = {
    "right": Relay,
    "hangs-later": HangsLater,
    "dies-later": DiesLater,
    "dies-at-random": DiesAtRandom,
    "dies-for-good": DiesForGood,
    "floods-screen-meanwhile": partial(FloodsMeanwhile, 1),
    "floods-errors-meanwhile": partial(FloodsMeanwhile, 2),
    "floods-later": FloodsLater,
    "fails-always": FailsAlways,
    "floods-screen-later": FloodsScreenLater,
    "tells-in-smoke-test": partial(Tells, 3),
    "tells-in-a-case": partial(Tells, 60),
}


def main() -> None:
    name, *rest = sys.argv[1:]
    note_pid()
    if name in RELAYS:
        RELAYS[name]().serve(*rest)
    else:
        TARGETS[name](*rest)


if __name__ == "__main__":
    main()
