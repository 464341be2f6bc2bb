"""An S3-compatible server on loopback, which the tests of storages and of training on one share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """URL of an empty bucket, `s3://...`, on a server of moto's."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="runs")
    yield f"s3://runs?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    server.stop()
