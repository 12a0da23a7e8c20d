"""The entities of a backend, as far as its functions are granted something of them."""

from collections.abc import Sequence

from taxiway.data import Entity
from taxiway.declare import Backend, DeclarationError
from taxiway.patterns.model import members


def entities_of(backend: Backend) -> tuple[type[Entity], ...]:
    """Every entity that a function reads, writes or is told the changes of, each once."""
    grants = (grant for function in backend.functions for grant in function.grants)
    owners = (getattr(pattern, "owner", None) for grant in grants for pattern in members(grant.pattern))
    return tuple(dict.fromkeys(owner for owner in owners if isinstance(owner, type) and issubclass(owner, Entity)))


def choose(entities: tuple[type[Entity], ...], names: Sequence[str]) -> tuple[type[Entity], ...]:
    """Those of these names; all where none is named. Raises DeclarationError where there is none of a name."""
    known = {entity.__name__: entity for entity in entities}
    for name in names:
        if name not in known:
            raise DeclarationError(
                f"No function of this backend uses an entity {name!r}.",
                fix=f"name one of {', '.join(known)}"
                if known
                else "grant something of it in backend.py: uses=[allow.get(…)]",
            )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else entities
