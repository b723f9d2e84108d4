"""The time of day of a program, put forward and back while it runs, and nobody else's."""

import mmap
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

from endurance.faults.programs import WrongError

SOURCE = Path(__file__).with_name("shift_clock.c")
YEAR = 365 * 24 * 3600


class Clock:
    """A clock for programs that are started with ``environment``."""

    def __init__(self, directory: Path) -> None:
        shift, library = directory / "shift", directory / "shift_clock.so"
        shift.write_bytes(bytes(8))
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "SHIFT_CLOCK": str(shift)}
        with shift.open("r+b") as file:
            self._shift = mmap.mmap(file.fileno(), 8)
        self.put(YEAR)
        told = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env=os.environ | self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if abs(float(told.stdout) - time.time() - YEAR) > YEAR / 2:
            raise WrongError("the clock of programs cannot be put forward here")
        self.put(0)

    def put(self, seconds: int) -> None:
        """Put it so far forward from what it is; negative: back."""
        self._shift[:] = struct.pack("=q", seconds)

    def close(self) -> None:
        """Let go of it."""
        self._shift.close()
