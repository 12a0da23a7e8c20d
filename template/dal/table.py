"""The table, with the key that signs its cursors if the stage has secrets."""

import os

from msgspec import Struct
from taxiway import secrets
from taxiway.data import TableClient


class Config(Struct, rename="camel"):
    cursor_key: str


def cursor_key() -> str | None:
    secret_id = os.environ.get("SECRETS_ID")
    return secrets.get(secret_id, Config).cursor_key if secret_id else None


table = TableClient(cursor_key=cursor_key)
