"""The programs under faults, and for long: what holds on a good day must hold on a bad one.

Run as ``python -m endurance.faults``. Like the tests, this runs the programs as people
run them, and knows them by what they say on the wire and on their screens.
"""
