"""What a clone must not offer for a commit: the owner's batteries, which may hold a PIN."""

import subprocess
from pathlib import Path

from jk_bms.called import TOP

PATIENCE = 10.0  # s


def keep_out_of_git(registry: Path, top: Path = TOP) -> bool:
    """Have git pass over changes of the registry that the clone in ``top`` brought along; True when it does.

    Nothing happens to another registry, without git, or where nothing is a clone. Undo:
    ``git update-index --no-skip-worktree jk_devices.yaml``.
    """
    if registry.resolve() != (top / "jk_devices.yaml").resolve() or not (top / ".git").exists():
        return False
    command = ["git", "-C", str(top), "update-index", "--skip-worktree", registry.name]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE).returncode == 0
    except (OSError, subprocess.TimeoutExpired):  # no git here, or one that waits for something
        return False
