"""Requests that clients send with an Idempotency-Key: answered once, and remembered for a day."""

from taxiway.http.idempotency import Idempotency

from dal.table import table

idempotency = Idempotency(table, caller=None)  # without an authorizer, clients are anonymous
