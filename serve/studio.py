"""From the gateway to the models: orders are idempotent, so what a dying replica drops is asked again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.exceptions import ObjectLostError, RayActorError, TaskCancelledError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

from metaart.domains import Domain
from serve.orders import Failed
from serve.problems import UnavailableError

LOG = logging.getLogger("ray.serve")
ATTEMPTS = 4
"""How often an order is asked for; an order that kills every replica it meets kills no more than these."""

READY_FOR_S = 5.0
"""How long an answer of a model counts as a sign that it lives, seconds."""

_REPLICA_GONE = (RayActorError, ObjectLostError, ReplicaUnavailableError, TaskCancelledError)


@dataclass
class Model:
    """A deployed model as the gateway sees it.

    Attributes:
        handle: Ray Serve's handle of the deployment of `serve.model.Model`.
        domain: reads what is uploaded.
        run: name of the run directory.
        answered_at: when it answered last, on the monotonic clock.
    """

    handle: Any
    domain: Domain
    run: str
    answered_at: float = -READY_FOR_S


class Studio:
    """All models of the service, by art.

    Args:
        models: by the name of the art.
        timeout_s: how long an order may take, retries included, seconds.
    """

    def __init__(self, models: Mapping[str, Model], timeout_s: float) -> None:
        self.models = models
        self._timeout_s = timeout_s

    async def create(self, art: str, order: Any) -> bytes:
        """Have an order carried out.

        Raises:
            UserError: the order asks for what cannot be done.
            UnavailableError: too much to do, no replica, or it takes too long.
        """
        model = self.models[art]
        answer = await self._ask(model, model.handle.create, order, self._timeout_s)
        if isinstance(answer, Failed):
            raise RuntimeError(f"the {art} model failed: {answer.reason}")
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, bytes)
        return answer

    async def ready(self, timeout_s: float = 5.0) -> dict[str, str]:
        """The run of every art, once each of its models has answered lately.

        Raises:
            UnavailableError: a model does not answer.
        """
        for model in self.models.values():
            if time.monotonic() - model.answered_at > READY_FOR_S:
                await self._ask(model, model.handle.ready, None, timeout_s)
        return {art: model.run for art, model in self.models.items()}

    async def _ask(self, model: Model, method: Any, order: Any, timeout_s: float) -> Any:
        arguments = () if order is None else (order,)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._until_answered(method, arguments)
        except TimeoutError as error:
            raise UnavailableError(f"No answer within {timeout_s:g} seconds.", retry_after_s=10) from error
        except BackPressureError as error:
            raise UnavailableError("The queue is full.") from error
        except DeploymentUnavailableError as error:
            raise UnavailableError("The model could not be started.", retry_after_s=60) from error
        model.answered_at = time.monotonic()
        return answer

    async def _until_answered(self, method: Any, arguments: tuple[Any, ...]) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            response = method.remote(*arguments)
            try:
                return await response
            except asyncio.CancelledError:
                response.cancel()
                raise
            except _REPLICA_GONE as error:
                LOG.warning("attempt %d of %d: a replica is gone (%s)", attempt, ATTEMPTS, type(error).__name__)
                await asyncio.sleep(0.1 * attempt)
        raise UnavailableError(f"Replicas went away {ATTEMPTS} times.", retry_after_s=10)
