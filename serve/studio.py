"""From the gateway to the models: orders are idempotent, so what a dying replica drops is asked again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ray.exceptions import ObjectLostError, RayActorError, TaskCancelledError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

from metaart.artists.art import Made
from serve.orders import Failed, Order, TooLate
from serve.problems import UnavailableError

LOG = logging.getLogger("ray.serve")
ATTEMPTS = 4
"""How often an order is asked for; an order that kills every replica it meets kills no more than these."""

READY_FOR_S = 5.0
"""For how long what runs is remembered, seconds."""

_REPLICA_GONE = (RayActorError, ObjectLostError, ReplicaUnavailableError, TaskCancelledError)


@dataclass
class ServedModel:
    """A deployed model as the gateway sees it.

    Attributes:
        handle: Ray Serve's handle of the deployment of `serve.replica.Replica`.
        run: name of the run directory.
    """

    handle: Any
    run: str


class Studio:
    """All models of the service, by art.

    Args:
        models: by the name of the art.
        timeout_s: how long an order may take, retries included, seconds.
        running: finds the arts that have a replica which Ray Serve finds well; it may block.
    """

    def __init__(
        self, models: Mapping[str, ServedModel], timeout_s: float, running: Callable[[], Collection[str]]
    ) -> None:
        self.models = models
        self._timeout_s, self._running = timeout_s, running
        # Long ago on any clock: the first question is never answered from memory.
        self._ready_at = -READY_FOR_S

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Hold what is awaited inside to the time that a request may take.

        Raises:
            UnavailableError: it took longer; it is cancelled.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError as error:
            raise UnavailableError(f"No answer within {self._timeout_s:g} seconds.", retry_after_s=10) from error

    async def create(self, art: str, order: Order) -> Made:
        """Have an order carried out.

        Raises:
            UserError: the order asks for what cannot be done.
            UnavailableError: too much to do, no replica, or it takes too long.
        """
        try:
            async with self.in_time():
                answer = await self._until_answered(self.models[art].handle.create, order)
        except BackPressureError as error:
            raise UnavailableError("The queue is full.") from error
        except DeploymentUnavailableError as error:
            raise UnavailableError("The model could not be started.", retry_after_s=60) from error
        if isinstance(answer, TooLate):
            raise UnavailableError(f"No answer within {self._timeout_s:g} seconds.", retry_after_s=10)
        if isinstance(answer, Failed):
            raise RuntimeError(f"the {art} model failed: {answer.reason}")
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Made)
        return answer

    async def ready(self) -> dict[str, str]:
        """The run of every art, where each has a replica; a replica is not asked, for it may have much to do.

        Raises:
            UnavailableError: an art has none.
        """
        if time.monotonic() - self._ready_at > READY_FOR_S:
            # In a thread, as it may block, and other requests are waiting.
            running = await asyncio.to_thread(self._running)
            missing = [art for art in self.models if art not in running]
            if missing:
                raise UnavailableError(f"No replica of {', '.join(missing)} runs.")
            self._ready_at = time.monotonic()
        return {art: model.run for art, model in self.models.items()}

    async def _until_answered(self, method: Any, order: Order) -> Any:
        deadline = time.monotonic() + self._timeout_s
        for attempt in range(1, ATTEMPTS + 1):
            # What is left of the time, not when it ends: another machine has another clock.
            response = method.remote(order, deadline - time.monotonic())
            try:
                return await response
            except asyncio.CancelledError:
                # Whoever asked has hung up: the replica need not go on for nobody.
                response.cancel()
                raise
            except _REPLICA_GONE as error:
                LOG.warning("attempt %d of %d: a replica is gone (%s)", attempt, ATTEMPTS, type(error).__name__)
                # A moment for Ray Serve to see that the replica is gone, or it would be asked again.
                await asyncio.sleep(0.1 * attempt)
        raise UnavailableError(f"Replicas went away {ATTEMPTS} times.", retry_after_s=10)
