"""What is compared: each contender with what it ships to Lambda, in an environment of its own that a lock file fixes.

A contender's folder under `peers/` holds its code and its lock file. Each trusts what it would on Lambda, and the
authority of the stub besides.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from taxiway.sdk.amazon_roots import PEM

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "benchmarks" / "peers"
MADE = ROOT / ".taxiway" / "benchmarks"
REGION = "eu-west-1"


class Contender(NamedTuple):
    """A name as it is printed, and its folder under `peers/`."""

    name: str
    folder: str

    @property
    def source(self) -> Path:
        return PEERS / self.folder


TAXIWAY = Contender("Taxiway", "taxiway")
POWERTOOLS = Contender("Powertools + pydantic + boto3", "powertools")
BOTO3 = Contender("json + boto3", "boto3")
PYDYNOX = Contender("whole pydynox", "pydynox")
PYDYNOX_CORE = Contender("pydynox's core", "pydynox")
PYNAMODB = Contender("PynamoDB", "pynamodb")
NODE = Contender("Node + AWS SDK v3, esbuild", "node")


class Certificate(NamedTuple):
    """The files of a server's certificate."""

    authority: Path
    certificate: Path
    key: Path


class Stub(NamedTuple):
    """A DynamoDB over TLS, and the authority to trust for it."""

    url: str
    authority: Path


@contextmanager
def stub(*, conditions: bool = False) -> Iterator[Stub]:
    """The stub of DynamoDB, in a process of its own; with `conditions` a put has to ask for its key to be free."""
    with TemporaryDirectory() as directory:
        made = make_certificate(Path(directory))
        command = [sys.executable, "-m", "benchmarks.stub", made.certificate, made.key]
        command += ["--conditions"] if conditions else []
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield Stub(process.stdout.readline().strip(), made.authority)
        finally:
            process.kill()
            process.wait()


def make_certificate(directory: Path) -> Certificate:
    """A certificate of `localhost`, its key, and the authority that signed it, which is what clients trust."""
    made = Certificate(directory / "authority.pem", directory / "certificate.pem", directory / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2"]
    signing_key = directory / "authority-key.pem"
    parts = ["-subj", "/CN=Benchmarks", "-keyout", signing_key, "-out", made.authority]
    subprocess.run([*command, *parts], check=True, capture_output=True)
    parts = ["-subj", "/CN=localhost", "-keyout", made.key, "-out", made.certificate]
    parts += ["-CA", made.authority, "-CAkey", signing_key, "-addext", "subjectAltName=DNS:localhost"]
    parts += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*command, *parts], check=True, capture_output=True)
    return made


def environment(contender: Contender, stub: Stub, path: list[Path]) -> dict[str, str]:
    """The variables of a function that runs a contender's code, found on `path`."""
    bundle = stub.authority.with_name(f"{contender.folder}.pem")
    if not bundle.exists():
        bundle.write_text(roots(contender) + stub.authority.read_text())
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": stub.url,
        "AWS_ENDPOINT_URL_DYNAMODB": stub.url,
        "AWS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        "NODE_EXTRA_CA_CERTS": str(stub.authority),
        "AWS_LAMBDA_FUNCTION_NAME": "create-item",
        "POWERTOOLS_SERVICE_NAME": "items",
        "TABLE_NAME": "items-dev",
    }


def roots(contender: Contender) -> str:
    """The certificates that a contender reads on Lambda: Amazon's own roots, botocore's bundle, or the system's."""
    if contender == TAXIWAY:
        return PEM
    bundled = list(site_packages(contender).glob("botocore/cacert.pem")) if contender != NODE else []
    return (bundled or [Path("/etc/ssl/certs/ca-certificates.crt")])[0].read_text()


@cache
def python_of(contender: Contender) -> Path:
    """The interpreter of a contender's environment, which is made if it is not there."""
    home = MADE / contender.folder
    uv = Path(sys.executable).with_name("uv")
    command = [uv if uv.exists() else "uv", "sync", "--quiet", "--frozen", "--compile-bytecode"]
    subprocess.run(
        [*command, "--project", contender.source, "--python", sys.executable],
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(home)},
        check=True,
    )
    return home / "bin" / "python"


def site_packages(contender: Contender) -> Path:
    return next((python_of(contender).parent.parent / "lib").glob("python*/site-packages"))


@cache
def node_bundle() -> Path:
    """The handler of the Node peer, bundled with the parts of the SDK that it uses."""
    home = MADE / NODE.folder
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "create_item.mjs"):
        shutil.copy(NODE.source / name, home / name)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=home, check=True)
    options = [
        "--bundle",
        "--minify",
        "--platform=node",
        "--target=node20",
        "--format=esm",
        "--outfile=bundle/index.mjs",
    ]
    # The SDK's own dependencies are CommonJS in part, and ask for `require`.
    banner = "--banner:js=import{createRequire}from'module';const require=createRequire(import.meta.url);"
    esbuild = home / "node_modules" / "esbuild" / "bin" / "esbuild"
    subprocess.run([esbuild, "create_item.mjs", *options, banner, "--outfile=bundle/index.mjs"], cwd=home, check=True)
    return home / "bundle" / "index.mjs"


@cache
def taxiway_package() -> tuple[Path, int]:
    """The unpacked package of the template's POST /items, as `taxiway package` makes it, and the bytes of its zip."""
    home = MADE / "package"
    project, unpacked = home / "project", home / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.copytree(ROOT / "template", project, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (project / ".env.dev").write_text(f"AWS_REGION={REGION}\nAWS_ACCOUNT=123456789012\nSECRETS_ID=items/dev\n")
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    command = [sys.executable, "-m", "taxiway", "package", "--json", "--architecture", machine]
    command += ["--python", f"3.{sys.version_info.minor}", "--project", project]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    made = next(each for each in packages if each["handler"] == "handlers.http.create_item.create_item")
    with zipfile.ZipFile(made["path"]) as archive:
        archive.extractall(unpacked)
    return unpacked, made["zipped"]


def zipped(contender: Contender) -> int:
    """Bytes of the zip that goes to Lambda: what is installed without byte code, and the contender's handler."""
    if contender == TAXIWAY:
        return taxiway_package()[1]
    if contender == NODE:
        return _zipped({"index.mjs": node_bundle()})
    packages = site_packages(contender)
    files = {
        str(path.relative_to(packages)): path
        for path in packages.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("_virtualenv")
    }
    return _zipped({**files, "create_item.py": contender.source / "create_item.py"})


def _zipped(files: Mapping[str, Path]) -> int:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    return len(made.getvalue())
