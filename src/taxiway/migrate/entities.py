"""The entities that the grants of a backend name."""

from collections.abc import Sequence

from taxiway.data import Entity
from taxiway.declare import Backend, DeclarationError
from taxiway.patterns.model import members


def entities_of(backend: Backend) -> tuple[type[Entity], ...]:
    """Every entity that the grants of a function name, each once."""
    grants = (grant for function in backend.functions for grant in function.grants)
    owners = (getattr(pattern, "owner", None) for grant in grants for pattern in members(grant.pattern))
    return tuple(dict.fromkeys(owner for owner in owners if isinstance(owner, type) and issubclass(owner, Entity)))


def choose(entities: tuple[type[Entity], ...], names: Sequence[str]) -> tuple[type[Entity], ...]:
    """The entities with these names; all if `names` is empty. Raises DeclarationError for an unknown name."""
    known = {entity.__name__: entity for entity in entities}
    for name in names:
        if name not in known:
            raise DeclarationError(
                f"No function of this backend uses an entity {name!r}.",
                fix=f"name one of {', '.join(known)}"
                if known
                else "grant access to it in backend.py: uses=[allow.get(…)]",
            )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else entities
