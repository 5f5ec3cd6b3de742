"""Where templates, migrations and static files lie: beside the package, or inside it in a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def _beside_or_inside(name: str) -> Path:
    beside = PACKAGE.parent / name
    inside = PACKAGE / name
    return inside if inside.is_dir() else beside


TEMPLATES = _beside_or_inside("templates")
MIGRATIONS = _beside_or_inside("migrations")
STATIC = PACKAGE / "static"
