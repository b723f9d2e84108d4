"""What each operation does: importing the modules fills the executor's register of acts."""

from conformance.acts import expect, person, process, room, tls, wire
from conformance.executor import Executor

__all__ = ["Executor", "expect", "person", "process", "room", "tls", "wire"]
