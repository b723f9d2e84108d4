"""A conformance suite for the chat protocol chat/1, for implementations in any language.

It knows the protocol from the specification alone, and shares no code with any implementation.
"""

__version__ = "1.0"
