"""How many generated cases these tests try: few, the same each time; TAXIWAY_STEPS=100000 tries more of them."""

import os

from hypothesis import HealthCheck, settings

FUZZ = settings(
    max_examples=int(os.environ.get("TAXIWAY_STEPS", "200")),
    derandomize="TAXIWAY_STEPS" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ON_THE_ENGINE = settings(FUZZ, max_examples=min(FUZZ.max_examples, 60))
"""Each case costs calls."""
