"""Pages of slips. Each parses, calls one verb, answers."""
