"""Chat between two hosts: server and client in network namespaces joined by a cable.

    python tools/two_hosts.py

Builds two namespaces with a veth pair between them, starts the chat server in one and
the C client in the other, lets them talk in both families of addresses, and takes
everything away again. Needs the rights of root; status 77 where it has them not.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "c_client" / "chatclient"
NOT_ALLOWED = 77
SECONDS = 30
# Documentation and benchmarking addresses (RFC 5737, RFC 3849): nobody's.
SERVER_IP4, CLIENT_IP4 = "198.51.100.1", "198.51.100.2"
SERVER_IP6, CLIENT_IP6 = "2001:db8:77::1", "2001:db8:77::2"


def ip(*words: str) -> None:
    """Run the command ip. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=SECONDS)


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[str, str]]:
    """The names of two namespaces that reach each other and nobody else."""
    server, client = (f"chatproto-{who}-{os.getpid()}" for who in ("server", "client"))
    try:
        for name in (server, client):
            ip("netns", "add", name)
        ip("link", "add", "cable0", "netns", server, "type", "veth", "peer", "name", "cable1",
           "netns", client)  # fmt: skip
        for name, end, addresses in (
            (server, "cable0", (f"{SERVER_IP4}/24", f"{SERVER_IP6}/64")),
            (client, "cable1", (f"{CLIENT_IP4}/24", f"{CLIENT_IP6}/64")),
        ):
            for address in addresses:
                family = ["-6"] if ":" in address else []
                nodad = ["nodad"] if ":" in address else []
                ip("-n", name, *family, "addr", "add", address, "dev", end, *nodad)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", end, "up")
        yield server, client
    finally:
        for name in (server, client):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def chat(server: str, client: str) -> None:
    """One conversation in each family of addresses."""
    inside = ["ip", "netns", "exec"]
    with subprocess.Popen(
        [*inside, server, sys.executable, "-m", "reference.chatserver", "0"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as serving:
        assert serving.stdin
        assert serving.stdout
        try:
            port = await_line(serving, r"Listening on port (\d+)")
            for address in (SERVER_IP4, SERVER_IP6):
                serving.stdin.write(f"you are at {address}\n")
                serving.stdin.flush()
                done = subprocess.run(
                    [*inside, client, CLIENT, address, port],
                    input="ann\nhello from the other host\n\\quit\n",
                    capture_output=True,
                    text=True,
                    encoding="utf-8",
                    timeout=SECONDS,
                    check=False,
                )
                where = await_line(serving, r"^connected to: (.*)$")
                await_line(serving, r"^(ann>hello from the other host)$")
                # Input ends with the text, so the reply may come too late to be seen.
                if done.returncode != 0 or "Disconnected from server" not in done.stdout:
                    sys.exit(f"the client failed: {done}")
                print(f"{address}: {where} said hello")
        finally:
            serving.terminate()


def await_line(program: "subprocess.Popen[str]", pattern: str) -> str:
    """The first group of the next line of output that matches."""
    assert program.stdout
    for line in program.stdout:
        if match := re.search(pattern, line):
            return match[1]
    sys.exit(f"the server ended before it wrote {pattern!r}")


def main() -> int:
    """The command line."""
    if len(sys.argv) > 1:
        print((__doc__ or "").strip())
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("it took too long"))
    signal.alarm(3 * SECONDS)
    try:
        with two_hosts() as (server, client):
            chat(server, client)
    except FileNotFoundError as error:
        print(f"cannot run {error.filename}: two hosts are not tested here")
        return NOT_ALLOWED
    except subprocess.CalledProcessError as error:
        print(f"no right to make network namespaces ({error.stderr.strip()}): not tested here")
        return NOT_ALLOWED
    return 0


if __name__ == "__main__":
    sys.exit(main())
