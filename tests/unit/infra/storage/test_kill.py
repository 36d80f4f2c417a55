"""The kill trial in its short form; `scripts/crash/store.py --kills 200` is the long one."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "crash" / "store.py"


def test_twenty_kills_lose_nothing_and_leave_nothing_half_written() -> None:
    """Twenty writers killed at random moments: every promise of the store holds after each."""
    command = [sys.executable, str(SCRIPT), "--kills", "20", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("20 kills;")
