"""What the endurance runs share: a server that is watched, raw clients, and who checks."""
