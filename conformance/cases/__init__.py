"""All cases: importing the modules of the three kinds, and of TLS, fills the register."""

from conformance.cases import client, relay, tls, turns
from conformance.cases.register import CASES, NOT_TESTED, PROFILES, Case

__all__ = ["CASES", "NOT_TESTED", "PROFILES", "Case", "client", "relay", "tls", "turns"]
