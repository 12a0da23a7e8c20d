"""Quantities as people write them: `10M` requests, items of `2KB`."""

import re

_QUANTITY = re.compile(r"([0-9]*\.?[0-9]+)\s*([kmbg]?)b?", re.IGNORECASE)


def quantity(text: str) -> int:
    """A number with K, M or B (or G) behind it: `10M` is ten million, `2KB` 2048. Raises ValueError."""
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"Invalid quantity {text!r}: expected 250000, 10M, or 2KB")
    is_size = len(text.strip()) > 1 and text.strip()[-2:].lower() in ("kb", "mb", "gb")
    power = {"": 0, "k": 1, "m": 2, "b": 3, "g": 3}[match[2].lower()]
    return round(float(match[1]) * (1024 if is_size else 1000) ** power)


def written(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:,.2f}".rstrip("0").rstrip(".")
