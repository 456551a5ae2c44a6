"""``python -m mltrain``."""

from mltrain.cli import main

main()
