from msgspec import Struct
from taxiway.http import Path, handler


class Greeting(Struct):
    hello: str


@handler
def hello(name: Path[str]) -> Greeting:
    """Greet somebody by name."""
    return Greeting(hello=name)
