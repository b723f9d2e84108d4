"""What some scenarios need, and a sentence for where it is missing."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable

from endurance.faults import containment
from endurance.faults.programs import C_CLIENT


def _namespaces() -> str:
    return "" if containment.is_inside() else "namespaces are for root here, and not for us"


def _tool(name: str) -> str:
    return "" if shutil.which(name) else f"{name} is not installed"


def _hosts() -> str:
    return _namespaces() or _tool("ip")


def _cables() -> str:
    if missing := _hosts():
        return missing
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"no network devices of our own: /dev/net/tun: {error.strerror}"
    return ""


def _c_client() -> str:
    return "" if C_CLIENT.exists() else "the C client is not built: make -C c_client chatclient"


def _c_clients_tls() -> str:
    command = [str(C_CLIENT), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "" if "TLS: OpenSSL" in said else "the C client was built without TLS"


def _time_namespaces() -> str:
    if missing := _namespaces():
        return missing
    command = ["unshare", "--time", "--boottime", "1000000000", "cat", "/proc/uptime"]
    uptime = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "" if uptime.startswith("10") else "this kernel has no time namespaces"


NEEDS: dict[str, Callable[[], str]] = {
    "hosts": _hosts,
    "cables": _cables,
    "mounts": _namespaces,
    "C client": _c_client,
    "TLS of the C client": _c_clients_tls,
    "compiler": functools.partial(_tool, "cc"),
    "prlimit": functools.partial(_tool, "prlimit"),
    "time namespaces": _time_namespaces,
}


@functools.cache
def missing(need: str) -> str:
    """Why it is not there; empty if it is."""
    return NEEDS[need]()
