"""Programs that the suite is tested with: correct ones, faulty ones, and odd ones."""
