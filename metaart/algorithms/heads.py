"""Algorithms that treat the layer apart with which a learner answers."""

from __future__ import annotations

from torch import Tensor

from metaart.algorithms.base import MetaAlgorithm
from metaart.errors import UserError
from metaart.functional.prototypes import prototype_head
from metaart.tasks import Examples, Head, Params


def required_head(head: Head | None, who: str, *, classifier: bool) -> Head:
    """The head that an algorithm needs.

    Args:
        head: of the art form.
        who: needs it, as the error calls it.
        classifier: whether its outputs must be the hands of a task, told from features.

    Raises:
        UserError: there is none, or it is no classifier.
    """
    if head is None:
        raise UserError(
            expected=f"an art form whose learner answers with a linear layer of its own, which {who} adapts",
            got="one without",
            fix="Use --set algorithm=maml.",
        )
    if classifier and not (head.classifies and head.features is not None):
        raise UserError(
            expected=f"an art form whose learner tells hands apart: {who} sets a classifier from the mean of each hand",
            got=f"one whose last layer ({head.layer}) does not classify",
            fix="Use a recipe of attribution, such as critique, or --set algorithm=maml.",
        )
    return head


def head_weights(head: Head) -> tuple[str, str]:
    """The names of a head's weight (outputs, features) and bias (outputs,) among the learner's weights."""
    return f"{head.layer}.weight", f"{head.layer}.bias"


def features(algorithm: MetaAlgorithm, params: Params, examples: Examples) -> Tensor:
    """What the head is given for each work under these weights, (works, features)."""
    assert algorithm.head is not None
    assert algorithm.head.features is not None
    return algorithm.head.features(algorithm.predict(params), examples)


def with_means(algorithm: MetaAlgorithm, params: Params, found: Tensor, support: Examples) -> Params:
    """These weights with the head set from the class means of a support set; differentiable in its features.

    Args:
        algorithm: whose head it is.
        params: the weights.
        found: the support set's features under them.
        support: the examples, for their labels.
    """
    assert algorithm.head is not None
    weight, bias = head_weights(algorithm.head)
    rows, offsets = prototype_head(found, support["labels"], params[weight].shape[0])
    return {**params, weight: rows, bias: offsets}
