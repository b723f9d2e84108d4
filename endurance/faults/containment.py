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
import tempfile
import threading
import time

WORDS = ("--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--net")
INSIDE = "CHATPROTO_FAULTS_INSIDE"
"""Set in the environment of a run that is contained."""
PATIENCE_SECONDS = 5
"""So long one that is to end may take for it."""
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
    """Run the command contained; its exit status. Signals end it, and so does our end."""
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as directory,
        # Its standard input ends when we do: then it ends, whatever ended us.
        subprocess.Popen(
            [*entrance, *command],
            stdin=subprocess.PIPE,
            env=os.environ | {INSIDE: "1", "TMPDIR": directory},
        ) as contained,
    ):

        def end(*_: object) -> None:
            assert contained.stdin
            contained.stdin.close()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, end)
        return contained.wait()


def settle_in() -> None:
    """Make the inside fit to live in: there is a loopback, and it ends with what contains it."""
    up = struct.pack("16sh14x", b"lo", IFF_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, up)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def end_with_outside() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGINT)  # it says what it has
        time.sleep(PATIENCE_SECONDS)
        os._exit(1)

    threading.Thread(target=end_with_outside, daemon=True).start()
