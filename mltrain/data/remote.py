"""Files behind URLs, through fsspec: the one importer of it. The clients come as extras, one for each kind of store."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import fs

from mltrain.config.consistency import KEEP_SECRETS_OUT
from mltrain.data.data_file import DataFile
from mltrain.data.options import WHERE
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, MltrainError, PluginError
from mltrain.installer import install
from mltrain.plugins import install_extra
from mltrain.redaction import carries_secret, is_secret_name, without_secrets

MAGIC = re.compile(r"[*?\[]")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|↳")
_STORE_FAULT = re.compile(r"Generic (?:S3|GCS|MicrosoftAzure|HTTP) error")
_EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs",
    "abfs": "azure", "abfss": "azure", "az": "azure", "adl": "azure",
}  # fmt: skip
SCHEMES = (*_EXTRAS, "http", "https", "ftp", "sftp", "ssh", "hdfs", "webhdfs", "smb", "file", "memory", "hf", "oss")
_CREDENTIALS = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a public bucket data.options.storage: "
    "{anon: true}",
    "gcs": "set GOOGLE_APPLICATION_CREDENTIALS or run `gcloud auth application-default login`; for a public bucket "
    "data.options.storage: {token: anon}",
    "azure": "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_PLACES = {
    "s3": "check the network, AWS_ENDPOINT_URL and AWS_REGION",
    "gcs": "check the network and data.options.storage",
    "azure": "check the network, the account's name and data.options.storage",
}
# What clients raise besides OSError, by the modules that are loaded only when the client is.
_FAULTS = (
    ("botocore.exceptions", "BotoCoreError"), ("botocore.exceptions", "ClientError"), ("aiohttp", "ClientError"),
    ("azure.core.exceptions", "AzureError"),
    ("gcsfs.retry", "HttpError"), ("google.auth.exceptions", "GoogleAuthError"),
)  # fmt: skip
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "content_md5")
_MOMENTS = ("LastModified", "last_modified", "mtime", "updated", "modified")


def scheme_of(source: str) -> str | None:
    """Return the scheme of a URL in lower case, None for what is no URL.

    Examples
    --------
    >>> scheme_of("s3://lake/rows.parquet"), scheme_of("C:/rows.parquet")
    ('s3', None)
    """
    found = _URL.match(source)
    return found[1].lower() if found else None


def is_store(source: str) -> bool:
    """Say whether a source is a URL whose scheme leads to files."""
    return scheme_of(source) in SCHEMES


def is_nameless_store(source: str) -> bool:
    """Say whether a source is a URL of files whose last part has no suffix, such as a folder of a lake."""
    return is_store(source) and "." not in source.rstrip("/").rpartition("/")[2]


def list_files(url: str, suffixes: Sequence[str], *, storage: Mapping[str, Any]) -> tuple[DataFile, ...]:
    """Return the file behind a URL, or those of a folder or glob with one of ``suffixes``; empty when there are none.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The store does not answer, or wants other credentials.
    mltrain.errors.PluginError
        The client for such URLs is not installed.
    mltrain.errors.ConfigError
        No client knows such URLs, or ``storage`` holds a secret or an unknown setting.
    """
    with store_faults(url):
        client, path = _open_store(url, storage)
        client.invalidate_cache()  # what was listed a minute ago may have changed
        try:
            is_glob = bool(MAGIC.search(path)) and scheme_of(url) not in ("http", "https")
            info = None if is_glob else client.info(path)
            if info is not None and info["type"] == "file":
                return (_data_file(client, str(info["name"]), info, folder=path.rpartition("/")[0]),)
            folder = _fixed_folder(path) if is_glob else path
            infos = client.glob(path, detail=True) if is_glob else client.find(path, detail=True)
        except FileNotFoundError:
            return ()
    if any(f"{folder}/_delta_log/" in name for name in infos):
        hint = f"write delta:{url}: its folder holds rows of older versions too"
        raise DataError(f"{url!r} is a Delta table", where=url, hint=hint)
    found = (_data_file(client, name, infos[name], folder=folder) for name in sorted(infos) if _is_file(infos[name]))
    return tuple(file for file in found if file.has_suffix(suffixes) and not file.is_hidden)


def _open_store(url: str, storage: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the client for a URL and the path inside it."""
    refuse_secrets(url, storage)
    scheme = scheme_of(url)
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra

        client, path = url_to_fs(url, **storage)
    except ImportError as error:
        extra = _extra(url)
        hint = install_extra(extra) if extra else install(error.name or "fsspec")
        raise PluginError(f"{scheme}:// needs a client that is not installed: {error}", where=url, hint=hint) from error
    except ValueError as error:
        if "credential" in str(error).lower():
            raise refusal(url, error) from None
        raise ConfigError(f"no client knows {scheme}://: {error}", where="data.source") from error
    except TypeError as error:
        raise ConfigError(f"wrong setting: {error}", where=f"{WHERE}.storage") from error
    return client, str(path)


def _fixed_folder(path: str) -> str:
    """Return the folder that precedes the first wildcard of a glob."""
    return MAGIC.split(path, maxsplit=1)[0].rpartition("/")[0]


def _is_file(info: Mapping[str, Any]) -> bool:
    """Say whether a listed thing is a file."""
    return info.get("type") == "file"


def _data_file(client: Any, path: str, info: Mapping[str, Any], *, folder: str) -> DataFile:
    """Return a file of a store."""
    size = info.get("size")
    return DataFile(
        name=str(client.unstrip_protocol(path)),
        path=path,
        folders=tuple(path.removeprefix(folder).strip("/").split("/")[:-1]),
        size_bytes=-1 if size is None else int(size),
        modified_ns=0,
        version=_version(info),
        filesystem=fs.PyFileSystem(_Opener(client)),
    )


class _Opener(fs.FSSpecHandler):  # type: ignore[misc]
    """Opens files at once: asking first whether they are there, as Arrow does, takes a dead server for a lost file."""

    def open_input_file(self, path: str) -> pa.PythonFile:
        """Open a file for reading anywhere in it."""
        return pa.PythonFile(self.fs.open(path, mode="rb"), mode="r")

    open_input_stream = open_input_file


def _version(info: Mapping[str, Any]) -> str:
    """Return what changes with the contents of a file, as far as the store says."""
    tag = next((str(info[key]).strip('"') for key in _VERSIONS if info.get(key)), None)
    moment = next((str(info[key]) for key in _MOMENTS if info.get(key)), None)
    if tag is None and moment is None:
        return ""
    return tag if tag is not None else f"{info.get('size')} bytes of {moment}"


def refuse_secrets(url: str, storage: Mapping[str, Any]) -> None:
    """Refuse a secret in a URL or in a setting of a store; it is not shown.

    Raises
    ------
    mltrain.errors.ConfigError
        There is one.
    """
    if carries_secret(url):
        raise ConfigError("the address holds a password or token", where="data.source", hint=KEEP_SECRETS_OUT)
    secret = next(_secret_names(storage), None)
    if secret:
        hint = _CREDENTIALS.get(_extra(url), "leave it to the client's own configuration")
        message = f"{secret!r} is a secret: secrets stay out of the config"
        raise ConfigError(message, where=f"{WHERE}.storage", hint=hint)


def _secret_names(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of secrets among settings, at any depth."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _secret_names(value)
        elif is_secret_name(name) and value != "anon":
            yield name


@contextmanager
def store_faults(url: str) -> Iterator[None]:
    """Turn what a store's client raises inside the block into errors of ours; missing files pass."""
    try:
        yield
    except MltrainError:
        raise
    except FileNotFoundError:
        raise
    except client_faults() as error:
        raise refusal(url, error) from None


def client_faults() -> tuple[type[Exception], ...]:
    """Return the classes of errors that the loaded clients raise."""
    loaded = ((sys.modules.get(module), name) for module, name in _FAULTS)
    return (OSError, *(getattr(module, name) for module, name in loaded if hasattr(module, name)))


def refusal(url: str, error: Exception) -> MltrainError:
    """Return the error for what a store's client raised."""
    extra = _extra(url)
    reason = one_line(error)
    if isinstance(error, FileNotFoundError):
        return DataError("the file is gone", where=url, hint="it was there when the source was listed: try again")
    if "Credential" in type(error).__name__ or "credential" in reason.lower():
        hint = _CREDENTIALS.get(extra)
        return EnvironmentRefusal(f"there are no credentials for {scheme_of(url)}://: {reason}", where=url, hint=hint)
    if isinstance(error, PermissionError) or getattr(error, "status", None) in (401, 403):
        hint = _CREDENTIALS.get(extra)
        return EnvironmentRefusal(f"access refused: {reason}", where=url, hint=hint)
    return EnvironmentRefusal(f"the store does not answer: {reason}", where=url, hint=_PLACES.get(extra))


def is_store_fault(error: Exception) -> bool:
    """Say whether a client in Rust, which raises plain OSErrors, speaks of its store."""
    return isinstance(error, OSError) and bool(_STORE_FAULT.search(str(error)))


def one_line(error: Exception) -> str:
    """Return what a client says on one line, without colours and secrets."""
    text = _DECORATION.sub("", str(error))
    return without_secrets(" ".join(text.split()) or type(error).__name__).rstrip(".")


def _extra(url: str) -> str:
    """Return the extra that brings the client of a URL; empty when there is none."""
    return _EXTRAS.get(scheme_of(url) or "", "")
