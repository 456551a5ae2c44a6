"""A stand-in of Comet's service on loopback: the real client talks to it. Standard library only."""
