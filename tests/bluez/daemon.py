"""A dbus-daemon of our own, that takes itself for the system bus."""

import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In a new process: be killed when the one that started it goes, however it goes."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class PrivateBus:
    """One dbus-daemon; ``address`` is for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("dbus-daemon", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
        if program is None:
            raise RuntimeError("no dbus-daemon found; install the Debian package 'dbus' (apt install dbus)")
        self.socket = folder / "bus"
        self.socket.unlink(missing_ok=True)  # of one that was killed
        config = folder / "bus.conf"
        config.write_text(CONFIG.format(socket=self.socket))
        # Its own stderr: a daemon that inherits the pipe of a test runner keeps it open.
        self._process = subprocess.Popen(
            [program, f"--config-file={config}", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=end_with_parent,
        )
        assert self._process.stdout is not None
        # Without the guid that it prints: the next daemon on this socket has another one.
        self.address = f"unix:path={self.socket}"
        if not self._process.stdout.readline():
            raise RuntimeError(f"dbus-daemon ended at once: status {self._process.wait()}; see {config}")

    def freeze(self) -> None:
        """It takes in nothing more."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a word to anybody."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
