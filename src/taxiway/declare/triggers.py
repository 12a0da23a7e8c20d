"""Everything that invokes a function: a closed union.

A projection that cares matches on it once, and ends in `assert_never`: a new kind of trigger is then an error of the
type checker in each place that has to know of it.
"""

from typing import TypeAlias

from taxiway.declare.api import Route
from taxiway.declare.stream import StreamConsumer

Trigger: TypeAlias = Route | StreamConsumer
