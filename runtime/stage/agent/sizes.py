"""Amounts of memory, as people read them."""


def size(count: int) -> str:
    """Format `count` bytes: 512MiB, 1.5GiB."""
    value, name = float(count), "B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, name = value / 1024, unit
    return f"{value:.3g}{name}"
