"""The version, as a literal so that printing it imports nothing."""

__version__ = "0.1.0.dev0"
