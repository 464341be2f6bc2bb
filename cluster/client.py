"""A connection to a head's job server."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from cluster.access import refused, send_token
from cluster.connection import API_SERVER, reach
from metaart.errors import UserError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

DEFAULT = "http://127.0.0.1:8265"


def connect(address: str | None) -> JobSubmissionClient:
    """The job client of a head, which the token has been shown to.

    Args:
        address: http://HOST:PORT; the environment's RAY_API_SERVER_ADDRESS, or port 8265 here, if left out.

    Raises:
        UserError: no such address, nobody there, no token or a wrong one.
    """
    address = address or os.environ.get(API_SERVER) or DEFAULT
    send_token()
    _reach(address)
    # It would win over what is asked for.
    os.environ.pop(API_SERVER, None)
    os.environ.pop("RAY_ADDRESS", None)
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    for name in ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk"):
        logging.getLogger(name).setLevel(logging.ERROR)  # they name every file that is not sent
    try:
        return JobSubmissionClient(address)
    except AuthenticationError as error:
        raise refused(f"another, which {address} refused") from error
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _nobody(address, str(error).splitlines()[0]) from error


def _reach(address: str) -> None:
    try:
        if not address.startswith(("http://", "https://")):
            raise ValueError("not a URL of the form http://HOST:PORT")
        reach(address)
    except (ConnectionError, ValueError) as error:
        raise _nobody(address, str(error)) from error


def _nobody(address: str, why: str) -> UserError:
    return UserError(
        expected="the address of a head's job server",
        got=f"{address}: {why}",
        fix="Give --address http://HOST:8265; `python -m cluster.start head` starts one.",
    )
