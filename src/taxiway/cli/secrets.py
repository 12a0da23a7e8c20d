"""`taxiway secrets`: sets, lists and removes the values of secrets, locally or in a stage on AWS."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from getpass import getpass
from typing import TYPE_CHECKING

from taxiway.cli.confirmation import confirm
from taxiway.cli.declaration import read_for_aws, state_of
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_json, add_project, add_yes
from taxiway.cli.printing import print_json, progress_printer
from taxiway.declare import Backend, Secret, Stage

if TYPE_CHECKING:
    from taxiway.aws.deploying.secret_values import SecretValues
    from taxiway.local.secret_store import SecretStore


def add_flags(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="verb")
    put = verbs.add_parser("set", help="set a key of a secret; the value is asked for or read from a pipe")
    _add_place(put)
    put.add_argument("id", help="id of the secret, as in SECRETS_ID")
    put.add_argument("key", help="key inside the secret")
    put.set_defaults(verb=_set)
    listing = verbs.add_parser("list", help="list the secrets and their keys, never a value")
    _add_place(listing)
    add_json(listing)
    listing.set_defaults(verb=_list)
    unset = verbs.add_parser("unset", help="remove a secret, or one key of it")
    _add_place(unset)
    unset.add_argument("id", help="id of the secret")
    unset.add_argument("key", nargs="?", help="key inside the secret (default: the whole secret)")
    add_yes(unset)
    unset.set_defaults(verb=_unset)


def _add_place(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--stage", metavar="NAME", help="a stage on AWS, in Secrets Manager (default: locally)")


def run(options: Namespace) -> None:
    options.verb(options)


def _set(options: Namespace) -> None:
    if sys.stdin.isatty():
        value = getpass(f"Value of {options.key} in {options.id}: ")
    else:
        value = sys.stdin.read().removesuffix("\n")
    if options.stage is None:
        _local_store(options).set(options.id, {options.key: value})
        print(f"Set {options.key} of {options.id}.")
        return
    backend, stage = read_for_aws(options)
    secret = _declared(backend, options)
    with _values_on_aws(stage) as values:
        made = values.set(secret, options.key, value)
    print(f"{'Made the secret and set' if made else 'Set'} {options.key} of {options.id} in the stage {options.stage}.")
    print("Functions that are running keep the previous value for up to 15 minutes.")


def _list(options: Namespace) -> None:
    found: dict[str, tuple[str, ...] | None] = {}
    if options.stage is None:
        found |= _local_store(options, progress_printer(options)).list()
    else:
        backend, stage = read_for_aws(options)
        with _values_on_aws(stage) as values:
            found |= values.list([secret.id for secret in backend.secrets if secret.id is not None])
    if options.json:
        print_json(found)
        return
    for secret_id, keys in found.items():
        print(f"{secret_id}  {'(not there yet)' if keys is None else ' '.join(keys)}")


def _unset(options: Namespace) -> None:
    name = f"{options.key} of {options.id}" if options.key else options.id
    if options.stage is None:
        if not _local_store(options).unset(options.id, options.key):
            raise CommandError(f"There is no {name}.", fix="see what there is: taxiway secrets list")
        print(f"Removed {name}.")
        return
    backend, stage = read_for_aws(options)
    _declared(backend, options)
    if options.key is None and backend.operations.is_protected(stage):
        raise CommandError(
            f"The stage {stage.name} is protected, and the secret {options.id} belongs to it. Nothing was removed.",
            fix="remove one key; or declare Operations(protected=False) for the stage, to remove the whole secret",
        )
    with _values_on_aws(stage) as values:
        if options.key is None and not options.yes:
            confirm(
                f"Remove the secret {options.id} in the stage {stage.name}, with all its keys?",
                "Nothing was removed.",
            )
        if not values.unset(options.id, options.key):
            raise CommandError(
                f"There is no {name} in the stage {stage.name}.",
                fix=f"see what there is: taxiway secrets list --stage {stage.name}",
            )
    print(f"Removed {name} in the stage {stage.name}.")
    if options.key is None:
        print("AWS keeps it for 30 days: `aws secretsmanager restore-secret` restores it.")


def _local_store(options: Namespace, note: Callable[[str], None] = print) -> "SecretStore":
    from taxiway.local.secret_store import SecretStore

    return SecretStore(state_of(options) / "secrets.json", note=note)


@contextmanager
def _values_on_aws(stage: Stage) -> Generator["SecretValues"]:
    from taxiway.aws.deploying import account as accounts
    from taxiway.aws.deploying.secret_values import SecretValues

    with accounts.plainly():
        yield SecretValues(accounts.connect(stage))


def _declared(backend: Backend, options: Namespace) -> Secret:
    """The named secret, if the stage declares it: the account has others too."""
    declared = {secret.id: secret for secret in backend.secrets if secret.id is not None}
    secret = declared.get(options.id)
    if secret is None:
        raise CommandError(
            f"The stage {options.stage} declares no secret {options.id}. Nothing was changed.",
            fix=f"name one of {', '.join(declared)}" if declared else "declare it in backend.py: Secret(…)",
        )
    return secret
