"""Fuzzers: any octets in, and what has to hold whatever they are.

A target is a function of octets that raises if something is not as it has to be; ``targets.py``
lists them. Those of the C core are in ``c_client/fuzz/``. ``python -m fuzz`` runs all of them.
"""
