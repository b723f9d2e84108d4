"""Measures the relay and the codec beside a floor in C and other people's servers."""
