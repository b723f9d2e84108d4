"""A container for a whole run, of Linux namespaces, so that nothing outlives it.

Processes, network, mounts: when the first process in it ends, however it ends, the kernel
ends all others and takes away what they made. It is entered as root, or without any rights
where the system lets everybody have namespaces of his own.
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

WORDS = ("--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--net")
INSIDE = "CHATPROTO_FAULTS_INSIDE"
"""Set in the environment of a run that is contained."""
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def is_inside() -> bool:
    """Whether this process is contained."""
    return INSIDE in os.environ


def entrance() -> list[str] | None:
    """The command, without its command, that runs one contained; None where that cannot be."""
    for command in (["unshare", *WORDS], ["unshare", "--map-root-user", *WORDS]):
        try:
            subprocess.run([*command, "true"], check=True, capture_output=True, timeout=20)
        except (OSError, subprocess.SubprocessError):
            continue
        return command
    return None


def run_inside(entrance: list[str], command: list[str]) -> int:
    """Run the command contained; its exit status. Signals are passed on."""
    # Its standard input ends when we do: then it ends, whatever ended us.
    with subprocess.Popen(
        [*entrance, *command], stdin=subprocess.PIPE, env=os.environ | {INSIDE: "1"}
    ) as contained:

        def end(*_: object) -> None:
            assert contained.stdin
            contained.stdin.close()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, end)
        while True:
            try:
                return contained.wait()
            except KeyboardInterrupt:  # it was told as well, and says what it has
                end()


def settle_in() -> None:
    """Make the inside fit to live in: there is a loopback, and it ends with what contains it."""
    up = struct.pack("16sh14x", b"lo", IFF_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, up)

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGINT)
        if not finished.wait(timeout=5):
            os._exit(1)

    finished = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
