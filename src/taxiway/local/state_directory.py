"""The directory where a project's local state is kept: only its owner can enter it."""

from pathlib import Path

from taxiway.project import STATE


def make_private(directory: Path) -> None:
    """Create a directory that is private, and make a `.taxiway` private that is not. Raises OSError.

    A directory that the user names and that exists keeps its mode.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.name == STATE and directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
