"""Contract suites for authors of plug-ins: inherit one, hand it your implementation, run pytest."""
