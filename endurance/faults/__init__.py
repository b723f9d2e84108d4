"""Scenarios of what can go wrong around the programs, and what must hold nevertheless."""
