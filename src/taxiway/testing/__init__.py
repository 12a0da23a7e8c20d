"""Tests of a backend: of one handler, of the code around the table, and of the whole, served.

| what a test needs | with pytest, no import | with any test runner |
| --- | --- | --- |
| the whole backend, over HTTP | the fixture `api` | `serve` |
| the table, in the test's own process | the fixture `table` | `open_table` |
| one handler, without a gateway | `request`, `call` | the same |

The fixtures are in `taxiway.pytest_plugin`, which pytest loads wherever Taxiway is installed.
"""

from taxiway.testing.answer import Answer
from taxiway.testing.invocation import Event, call, request
from taxiway.testing.local_table import LocalTable, open_table
from taxiway.testing.served import Server, serve

__all__ = ["Answer", "Event", "LocalTable", "Server", "call", "open_table", "request", "serve"]
