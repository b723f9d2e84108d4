"""Implementations of nothing: a suite that lets one of them pass proves nothing.

python -m conformance.subjects.null KIND PORT
python -m conformance.subjects.null client-KIND HOST PORT

KIND is deaf (it never reads), mute (it reads and says nothing), slams (it closes after its first
read), echoes (it sends everything back) or random (it sends random octets).
"""

import os
import random
import select
import socket
import sys
import threading
import time

KINDS = ("deaf", "mute", "slams", "echoes", "random")
READ_MAX = 65536


def misbehave(kind: str, sock: socket.socket) -> None:
    """Be of no use to one peer, until it ends."""
    octets = random.Random(1)  # noqa: S311 - the same ones each time
    try:
        if kind == "deaf":
            threading.Event().wait()
        while kind == "random":
            sock.sendall(octets.randbytes(200))
            time.sleep(0.005)
        while received := sock.recv(READ_MAX):
            if kind == "slams":
                break
            if kind == "echoes":
                sock.sendall(received)
    except OSError:
        pass  # whatever the peer did: it is over
    sock.close()


def serve(kind: str, port: int) -> None:
    """Be a server of no use."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        print(f"Listening on port {listening.getsockname()[1]}", flush=True)
        while True:
            sock, _address = listening.accept()
            threading.Thread(target=misbehave, args=(kind, sock), daemon=True).start()


def connect(kind: str, host: str, port: int) -> None:
    """Be a client of no use to a server, and to a user as well."""
    sock = socket.create_connection((host, port))
    threading.Thread(target=misbehave, args=(kind, sock), daemon=True).start()
    octets = random.Random(1)  # noqa: S311
    if kind == "deaf":
        threading.Event().wait()
    while kind == "random":
        os.write(1, octets.randbytes(20))
        time.sleep(0.01)
    while select.select([0], [], [])[0] and (typed := os.read(0, READ_MAX)):
        if kind == "echoes":
            sock.sendall(typed)
            os.write(1, typed)
        if kind == "slams":
            return


def main(arguments: list[str]) -> int:
    """Run one of them; the exit status."""
    kind = arguments[0] if arguments else ""
    client = kind.startswith("client-")
    kind = kind.removeprefix("client-")
    if kind not in KINDS or len(arguments) != (3 if client else 2):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if client:
            connect(kind, arguments[1], int(arguments[2]))
        else:
            serve(kind, int(arguments[1]))
    except OSError:
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
