"""The backend whole on one machine: starts every part, replaces what an edit changed, stops all that it started."""

import asyncio
import errno
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from taxiway import project as projects
from taxiway.declare import DeclarationError
from taxiway.local import dynamodb, orphans, tables
from taxiway.local.callers import OwnHosts
from taxiway.local.declaration import DeclarationReader
from taxiway.local.environment import Environment
from taxiway.local.errors import LocalError
from taxiway.local.functions import KEEP_WARM, Functions, handler_of
from taxiway.local.gate import access_file
from taxiway.local.gate.credentials import Caller, Callers
from taxiway.local.gate.dynamodb import DynamoDB
from taxiway.local.gate.gate import Gate
from taxiway.local.gate.mail import Mail
from taxiway.local.gate.secrets_manager import SecretsManager
from taxiway.local.gateway import MAX_BODY, Gateway
from taxiway.local.http1 import HttpServer, Request, Response
from taxiway.local.manifest import Manifest, ServedFunction, to_manifest
from taxiway.local.port_owner import port_owner
from taxiway.local.responses import own_response
from taxiway.local.secret_store import SecretStore
from taxiway.local.sources import Sources
from taxiway.local.terminal import Console
from taxiway.sdk import Credentials

if TYPE_CHECKING:
    from taxiway.local.inline import Inline

_LOOK_FOR_EDITS_EVERY = 0.25  # seconds; a request looks for itself, this is so that an edit is reported at once


class Options(Struct, kw_only=True, frozen=True):
    """What a user may choose of local development."""

    project: Path
    stage: str = "dev"
    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names, beside its own, under which the API answers; `.example.com` stands for every name under it."""
    data: Path | None = None
    """The directory of the database; `.taxiway` of the project where it is None."""
    ephemeral: bool = False
    """A new database, thrown away at the end."""
    dynamodb_endpoint: str | None = None
    """The URL of a DynamoDB API to use in place of the local one."""
    environments: int = 8
    """The most environments that a function may have at once."""
    keep_warm: float = KEEP_WARM
    """Seconds after which an environment that nobody uses is ended."""
    open: bool = False
    """Serve routes with an authorizer, which does not run locally, to everybody."""
    inline: bool = False
    """Run the handlers in this process, for a debugger."""
    awslambdaric: bool = False
    """Start environments with AWS's own runtime client in place of Taxiway's."""

    @property
    def state(self) -> Path:
        """What is kept of a project: the engine, the secrets and, by default, the database."""
        return self.project / projects.STATE

    @property
    def database(self) -> Path:
        return (self.data or self.state) / dynamodb.DATABASE


class LocalBackend:
    """One running backend, as an asynchronous context manager.

    Raises DeclarationError on entering where the declaration can't be read or can't be served locally, and
    LocalError where a part does not start. Leaving stops every process that it started.
    """

    plan: Manifest
    url: str
    endpoint: str
    """The URL of the gate, which answers for AWS."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self._console = console
        self._stack = AsyncExitStack()
        self._sources = Sources(options.project)
        self._loaded = self._sources.version()
        self._loading = asyncio.Lock()
        self._gateway: Gateway | None = None
        self._callers = Callers()
        self._declaration = DeclarationReader(options.project, options.stage, output=console.note)
        self._secrets = SecretStore(options.state / "secrets.json", note=console.note)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        options = self.options
        async with self._loading:  # requests wait until all is ready
            self._stack.callback(self._sources.close)
            await self._listen()
            self._stack.push_async_callback(self._declaration.close)
            cleaning = asyncio.create_task(asyncio.to_thread(orphans.end_left_behind))
            self._stack.push_async_callback(_settle, cleaning)
            reading = asyncio.create_task(self._read_plan())
            self._stack.push_async_callback(_settle, reading)
            self._engine, self.plan = await self._start_engine(reading), await reading
            await self._prepare(self.plan)
            self.endpoint = await self._start_gate()
            self._functions = self._start_functions()
            self._stack.push_async_callback(self._functions.close)
            hosts = OwnHosts(options.host, options.allowed_hosts)
            self._gateway = Gateway(
                self.plan, self._functions, self._console.request, hosts=hosts, is_open=options.open
            )
        if not options.inline:
            watching = asyncio.create_task(self._watch())
            self._stack.callback(watching.cancel)

    async def _listen(self) -> None:
        host, port = self.options.host, self.options.port
        server = HttpServer(self._answer, max_body=MAX_BODY)
        try:
            bound = await server.start(host, port)
        except OSError as error:
            reason = (error.strerror or str(error)).rpartition(": ")[2]  # without asyncio's words before it
            owner = port_owner(port) if error.errno == errno.EADDRINUSE else None
            raise LocalError(
                f"Cannot listen on {host}:{port}: {reason}{f' by {owner}' if owner else ''}.",
                fix='stop what uses it, or choose another: --port N, with make: make dev ARGS="--port N"',
            ) from None
        self._stack.push_async_callback(server.close)
        self.url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"

    async def _start_engine(self, reading: asyncio.Task[Manifest]) -> str:
        options = self.options
        if options.dynamodb_endpoint:
            return options.dynamodb_endpoint
        binary = dynamodb.find(options.project, self._console.note)
        if binary is None:
            await reading  # nothing is installed for a declaration that is refused
            binary = await asyncio.to_thread(dynamodb.install, options.project, self._console.note)
        engine = dynamodb.Engine(
            binary,
            None if options.ephemeral else options.data or options.state,
            note=self._console.problem,
            host=dynamodb.hidden_host(),
        )
        await engine.start()
        self._stack.push_async_callback(engine.close)
        return engine.endpoint

    async def _start_gate(self) -> str:
        credentials: Credentials | None = None
        if self.options.dynamodb_endpoint:
            given = tables.credentials_for(self._engine)
            credentials = Credentials(given.access_key, given.secret_key, given.token)
        database = DynamoDB(self._engine, credentials)
        self._stack.callback(database.close)
        vault = SecretsManager(self._secrets, region=self.plan.region, account=self.plan.account)
        mail = Mail(self.options.state / "mail", self._console.note)
        gate = Gate(self._callers, {"dynamodb": database, "secretsmanager": vault, "ses": mail})
        endpoint = await gate.start()
        self._stack.push_async_callback(gate.close)
        if not self.options.ephemeral:
            self._leave_access(endpoint)
        return endpoint

    def _leave_access(self, endpoint: str) -> None:
        """Leave credentials for a person's own tools, who may read every secret, until the end."""
        data = self.options.data or self.options.state
        person = self._callers.admit("aws-env", "aws-env", tuple(secret.id for secret in self.plan.secrets))
        made = person.credentials
        access = access_file.Access(endpoint, self.plan.region, made.access_key, made.secret_key, made.token)
        try:
            access_file.write(data, access)
        except OSError as error:
            self._console.note(f"taxiway aws-env has nothing to print: cannot write to {data}: {error.strerror}.")
        else:
            self._stack.callback(access_file.remove, data, access)

    def _start_functions(self) -> "Functions | Inline":
        if self.options.inline:
            from taxiway.local.inline import Inline  # it brings in the runtime of a worker, which only it needs here

            granted = tuple({id for function in self.plan.functions for id in function.secrets})
            variables = self._endpoints() | _variables(self._callers.admit(self, self.plan.backend, granted))
            inline = Inline(project=self.options.project, plan=self.plan, variables=lambda _: variables)
            for conflict in inline.conflicts:
                self._console.note(conflict)
            return inline
        return Functions(
            project=self.options.project,
            plan=self.plan,
            variables=lambda _: self._endpoints(),
            output=self._console.output,
            limit=self.options.environments,
            keep_warm=self.options.keep_warm,
            admit=self._admit,
            dismiss=self._callers.dismiss,
            command=_awslambdaric if self.options.awslambdaric else None,
        )

    async def _read_plan(self) -> Manifest:
        if not self.options.inline:
            return await self._declaration.read()
        stage = projects.read_stage(self.options.project, self.options.stage, local=True)
        return to_manifest(projects.read_backend(self.options.project, stage), stage)

    async def _prepare(self, new: Manifest) -> None:
        """What a plan needs besides its functions: the table as declared, and the secrets that are generated."""
        for made in self._secrets.ensure(new.secrets):
            self._console.note(f"Made the local secret {made}.")
        if new.table is not None:
            await asyncio.to_thread(
                tables.bring_up_to_date, new.table, self._engine, region=new.region, note=self._console.note
            )

    async def _answer(self, request: Request) -> Response:
        """A request from outside: it waits until the start, or the reload for the last edit, is complete."""
        if self._loading.locked() or self._sources.version() != self._loaded:
            await self._reload()
        if self._gateway is None:  # the start has failed meanwhile
            return own_response(503)
        return await self._gateway.handle(request)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_FOR_EDITS_EVERY)
            if self._sources.version(thorough=True) != self._loaded:
                await self._reload()

    async def _reload(self) -> None:
        """Read the project again where it has changed, and replace what follows from it.

        A project that can't be read answers 500 until it can: the code of before would be a lie.
        """
        async with self._loading:
            version = self._sources.version()
            if self.options.inline or version == self._loaded or self._gateway is None:
                return
            started = perf_counter()
            try:
                new = await self._read_plan()
                await self._prepare(new)
            except (DeclarationError, LocalError) as error:
                self._gateway.readable = False
                self._console.problem(f"{error}\n\nEvery request is answered with 500 until this is fixed.")
            else:
                self.plan = new
                await self._functions.replace(new)
                self._gateway.replace(new)
                self._console.note(f"Reloaded in {(perf_counter() - started) * 1000:.0f} ms.")
            self._loaded = version

    def _endpoints(self) -> dict[str, str]:
        """Where a function finds AWS. Those of single services go before what the stage's settings may say of all."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_DYNAMODB": self.endpoint,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.endpoint,
        }

    def _admit(self, environment: Environment) -> dict[str, str]:
        """Give an environment credentials of its own."""
        function = environment.function
        return _variables(
            self._callers.admit(environment, function.name, function.secrets, lambda: environment.request_id)
        )


def _variables(caller: Caller) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": caller.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": caller.credentials.secret_key,
        "AWS_SESSION_TOKEN": caller.credentials.token,
    }


def _awslambdaric(function: ServedFunction) -> list[str]:
    """https://pypi.org/project/awslambdaric: what runs a Python function on Lambda."""
    return [sys.executable, "-s", "-m", "awslambdaric", handler_of(function)]


async def _settle(task: asyncio.Task[Any]) -> None:
    """Stop a task that something else's failure left behind, and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
