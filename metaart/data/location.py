"""Where files are: in a folder of this machine, or on any filesystem that pyarrow knows, named by a URL."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
from pyarrow import fs

from metaart.errors import UserError

Where = str | Path
"""A folder of this machine, or the URL of one: file:///shared/data, s3://bucket/data, ..."""

S3_KEYS = ("endpoint_override", "scheme", "region")
TIMEOUT_S = 20


def is_url(where: Where) -> bool:
    """Whether this is a URL, not a folder's name."""
    return "://" in str(where)


def absolute(where: str) -> str:
    """The same place, named so that a process in another folder finds it; empty stays empty."""
    return where if not where or is_url(where) else str(Path(where).resolve())


def same_location(one: Where, other: Where) -> bool:
    """Whether both name one place."""
    return absolute(str(one)) == absolute(str(other))


def filesystem_of(where: Where) -> tuple[fs.FileSystem, str]:
    """The filesystem of a place, and the path there.

    Args:
        where: a folder; or `file:///FOLDER`, `s3://BUCKET/FOLDER` (for a server that is not Amazon's with
            ?endpoint_override=HOST:PORT&scheme=http&region=NAME, or the environment's AWS_ENDPOINT_URL and AWS_REGION),
            or any other URL that `pyarrow.fs.FileSystem.from_uri` reads. Keys come from the environment, as for every
            S3 client; in a URL they are refused, since URLs are shown.

    Raises:
        UserError: a URL of an unknown kind, or with a key in it.
    """
    if not is_url(where):
        return fs.LocalFileSystem(), str(Path(where))
    url = str(where)
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise UserError(
            expected="a URL such as file:///shared/runs or s3://bucket/runs, without a key in it",
            got="one with a key",
            fix="Put keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    try:
        if parts.scheme == "s3":
            return _s3(url), f"{parts.netloc}{parts.path}".rstrip("/")
        filesystem, path = fs.FileSystem.from_uri(url)
    except (pa.ArrowInvalid, OSError, ValueError, NotImplementedError) as error:
        raise UserError(
            expected="a URL of a filesystem that pyarrow knows", got=f"{url}: {error}", fix="Use file:// or s3://."
        ) from error
    return filesystem, path.rstrip("/")


def _s3(url: str) -> fs.S3FileSystem:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if not parts.netloc or set(query) - set(S3_KEYS):
        raise ValueError(f"a bucket, and of options only {', '.join(S3_KEYS)}")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and "endpoint_override" not in query:
        query |= {"scheme": urlsplit(endpoint).scheme, "endpoint_override": urlsplit(endpoint).netloc}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    query.setdefault("region", region or ("us-east-1" if "endpoint_override" in query else ""))
    if not query["region"]:
        query["region"] = fs.resolve_s3_region(parts.netloc)
    return fs.S3FileSystem(
        **query,
        connect_timeout=TIMEOUT_S,
        request_timeout=TIMEOUT_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
    )
