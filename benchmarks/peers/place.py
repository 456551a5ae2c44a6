"""Where a benchmark ran: the machine, and the state of the checkout."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import psutil


def machine() -> str:
    """Return processor, cores and memory in one line."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def commit(root: Path) -> str:
    """Return the checkout's commit, with ``+`` where package files differ from it; ``unknown`` outside git."""
    name = _git(root, "rev-parse", "--short", "HEAD")
    if not name:
        return "unknown"
    return name + ("+" if _git(root, "status", "--porcelain", "--", "mltrain") else "")


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
