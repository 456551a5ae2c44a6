"""One file a contestant; each runs in an environment of its own and knows only its task."""
