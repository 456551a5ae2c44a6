"""Real servers on loopback that hold rows: an S3-compatible store, and PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

BUCKET = "lake"
KINDS = {"int64": "bigint", "double": "double precision", "string": "text", "bool": "boolean", "date32[day]": "date"}


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    """Wait until a server that was just started listens."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not listen")


@dataclass
class Store:
    """An S3-compatible server, and what its clients need to know."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "tested-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        }

    def start(self, **environment: str) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        null, variables = subprocess.DEVNULL, {**os.environ, **environment}
        self.process = subprocess.Popen(command, stdout=null, stderr=null, env=variables)
        wait_for_port(self.port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)

    def client(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "tested-secret", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **keys)

    def put(self, key: str, data: bytes | Path) -> None:
        self.client().put_object(Bucket=BUCKET, Key=key, Body=data if isinstance(data, bytes) else data.read_bytes())


@pytest.fixture(scope="session")
def _store() -> Iterator[Store]:
    """Run one store for all tests: its start takes seconds."""
    pytest.importorskip("moto")
    store = Store()
    store.start()
    store.client().create_bucket(Bucket=BUCKET)
    yield store
    store.stop()


@pytest.fixture
def store(_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a store with an empty bucket, and set what the client reads from the environment."""
    import s3fs

    for name, value in _store.environment.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    yield _store
    s3fs.S3FileSystem.clear_instance_cache()
    client = _store.client()
    for listed in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=listed["Key"])


@pytest.fixture
def other_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a second store, for a test to stop."""
    del store  # it set the environment
    other = Store()
    other.start()
    other.client().create_bucket(Bucket=BUCKET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)
    yield other
    other.stop()


@dataclass
class Postgres:
    """A PostgreSQL server, and how to get in."""

    folder: Path
    programs: Path
    port: int = field(default_factory=free_port)
    password: str = "Geheim-7f3a9c"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def owner(self) -> pwd.struct_passwd | None:
        """The account to run as: PostgreSQL refuses to be root; Debian's package makes one for it."""
        known = {account.pw_name: account for account in pwd.getpwall()}
        return (known.get("postgres") or known["nobody"]) if os.geteuid() == 0 else None

    @property
    def account(self) -> dict[str, Any]:
        owner = self.owner
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}

    def start(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if (owner := self.owner) is not None:
            for path in (self.folder, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        initdb = [self.programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "scram-sha-256"]
        initdb += [f"--pwfile={secret}", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self.folder, **self.account)
        self._run("start", "-o", f"-p {self.port} -h 127.0.0.1 -k '' -c fsync=off", "-l", str(self.folder / "log"))

    def stop(self) -> None:
        self._run("stop", "-m", "immediate")

    def _run(self, *words: str) -> None:
        command = [self.programs / "pg_ctl", "-D", self.folder / "data", "-w", *words]
        null = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=null, stderr=null, cwd=self.folder, **self.account)

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, password=self.password, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def fill(self, table: str, rows: pa.Table, *, key: str) -> None:
        import psycopg

        columns = ", ".join(f'"{field.name}" {KINDS[str(field.type)]}' for field in rows.schema)
        self.execute(f"drop table if exists {table}", f'create table {table} ({columns}, primary key ("{key}"))')
        with (
            psycopg.connect(self.url, password=self.password, autocommit=True) as connection,
            connection.cursor().copy(f"copy {table} from stdin") as copied,
        ):
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copied.write_row(row)


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: on the path, or where Debian keeps them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    """Run one server for all tests."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql, as .ci/run does")
    folder = Path(tempfile.mkdtemp(prefix="mltrain-postgres-"))  # pytest's own folders are closed to other accounts
    server = Postgres(folder=folder, programs=programs)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(_postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """Return a server, and set the password where its client looks for it."""
    for name in ("PGPASSFILE", "PGHOST", "PGUSER", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSWORD", _postgres.password)
    return _postgres
