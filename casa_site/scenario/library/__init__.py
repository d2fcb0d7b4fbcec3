"""The scenarios that come with CASA; each is a test of it, too."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def files() -> list[Path]:
    """All of them, by name."""
    return sorted(FOLDER.glob("*.yaml"))


def found(name: str) -> Path:
    """The file of this path, or of this name in the library."""
    of_library = FOLDER / f"{name}.yaml"
    is_bare = "/" not in name and not Path(name).exists()
    return of_library if is_bare and of_library.exists() else Path(name)
