"""The operator of an attached server, at a socket: standard input goes there, and comes from there.

python -m conformance.remote_operator HOST PORT

So whatever the suite does with a program's standard input and output it can do with a socket.
"""

import os
import selectors
import socket
import sys

_READ_OCTETS = 65536


def main(host: str, port: int) -> int:
    """Copy until the socket ends; the exit status."""
    try:
        operator = socket.create_connection((host, port), 8)
    except OSError as error:
        print(f"cannot connect to the operator at {host}:{port}: {error}", file=sys.stderr)
        return 1
    operator.settimeout(None)
    with operator, selectors.DefaultSelector() as selector:
        selector.register(operator, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is operator:
                    shown = operator.recv(_READ_OCTETS)
                    if not shown:
                        return 0
                    sys.stdout.buffer.write(shown)
                    sys.stdout.buffer.flush()
                elif typed := os.read(0, _READ_OCTETS):
                    operator.sendall(typed)
                else:
                    selector.unregister(0)
                    operator.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
