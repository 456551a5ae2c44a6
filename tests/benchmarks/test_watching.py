import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers.watching import watch


def run(code, folder, *, limit_s=20.0):
    return watch(
        [sys.executable, "-c", code],
        folder=folder,
        environment=dict(os.environ),
        limit_s=lambda: limit_s,
        is_training=lambda: not (folder / "ready.mark").exists(),
    )


def test_memory_of_children_counts_until_the_model_is_ready(tmp_path):
    child = "import time; block = bytearray(150_000_000); time.sleep(1.6)"
    code = f"import subprocess, sys, pathlib; subprocess.run([sys.executable, '-c', {child!r}]); "
    code += "pathlib.Path('ready.mark').touch(); block = bytearray(400_000_000); import time; time.sleep(0.6)"

    watched = run(code, tmp_path)

    assert watched.exit_code == 0
    assert 150 < watched.peak_training_mb < 300
    assert watched.peak_mb > 400


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path):
    code = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    code += "print(child.pid, flush=True); child.wait()"

    watched = run(code, tmp_path, limit_s=1.0)

    assert watched.is_killed
    assert watched.ended - watched.started < 10
    child = int((tmp_path / "output.txt").read_text())
    for _ in range(50):
        if not is_alive(child):
            return
        time.sleep(0.1)
    pytest.fail("the child lives on")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
