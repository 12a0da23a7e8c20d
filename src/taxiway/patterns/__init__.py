"""The access patterns of a backend as a matrix, and what its keys are to be warned of: projections of a declaration."""

from taxiway.patterns.lint import Finding, lint
from taxiway.patterns.matrix import ITEM_SIZE, PAGE, Matrix, Row, matrix

__all__ = ["ITEM_SIZE", "PAGE", "Finding", "Matrix", "Row", "lint", "matrix"]
