"""Schemas of every kind that the manifests use, made strict: what a schema does not name is an error.

KubeRay's kinds: its own custom resource definitions, packed into `crds/` without their descriptions (a megabyte each)
by `python -m tests.k8s.schemas FOLDER`, where FOLDER has them as KubeRay publishes them. Kubernetes' own kinds: those
that the package kubernetes-validate carries. PodMonitor: written here by hand after the Prometheus Operator's
reference, with the fields that are used and no others.
"""

from __future__ import annotations

import json
import lzma
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

PACKED = Path(__file__).parent / "crds"
KUBERNETES = "1.37"
RAY = {
    "RayCluster": "ray.io_rayclusters",
    "RayJob": "ray.io_rayjobs",
    "RayService": "ray.io_rayservices",
    "RayCronJob": "ray.io_raycronjobs",
}
"""Kinds of KubeRay, and the names of the files of their definitions."""

_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
POD_MONITOR = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "PodMonitor"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "required": ["selector", "podMetricsEndpoints"],
            "properties": {
                "selector": {"type": "object", "properties": {"matchLabels": _LABELS}, "additionalProperties": False},
                "podTargetLabels": {"type": "array", "items": {"type": "string"}},
                "podMetricsEndpoints": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["port"],
                        "properties": {
                            "port": {"type": "string"},
                            "interval": {"type": "string", "pattern": r"^\d+s$"},
                        },
                        "additionalProperties": False,
                    },
                },
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}


def validate(thing: dict[str, Any]) -> None:
    """Raise `jsonschema.ValidationError` unless an object is what its kind may be, and nothing else."""
    kind = thing["kind"]
    if kind in RAY:
        assert thing["apiVersion"] == "ray.io/v1"
        ray_validator(kind).validate(thing)
    elif kind == "PodMonitor":
        jsonschema.Draft202012Validator(POD_MONITOR).validate(thing)
    else:
        kubernetes_validate.validate(thing, KUBERNETES, strict=True)


@cache
def ray_validator(kind: str) -> jsonschema.Draft202012Validator:
    """A validator of one of KubeRay's kinds."""
    return jsonschema.Draft202012Validator(_strict(unpacked(RAY[kind])))


def unpacked(name: str) -> dict[str, Any]:
    """The schema of v1 of a definition, as it is packed here."""
    schema: dict[str, Any] = json.loads(lzma.decompress((PACKED / f"{name}.json.xz").read_bytes()))
    return schema


def schema_of(definition: dict[str, Any]) -> dict[str, Any]:
    """The schema of v1 in a definition, without descriptions."""
    (version,) = [version for version in definition["spec"]["versions"] if version["name"] == "v1"]
    schema: dict[str, Any] = _without_descriptions(version["schema"]["openAPIV3Schema"])
    return schema


def _without_descriptions(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_descriptions(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    # A property may itself be called `description`; its schema is no text.
    rest = {key: value for key, value in schema.items() if not (key == "description" and isinstance(value, str))}
    return {key: _without_descriptions(value) for key, value in rest.items()}


def _strict(schema: Any) -> Any:
    """The schema as JSON Schema: closed objects, and integers or text where Kubernetes takes either."""
    if isinstance(schema, list):
        return [_strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(value) for key, value in schema.items() if not (key.startswith("x-") or key == "format")}
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("anyOf", None)
        made["type"] = ["integer", "string"]
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields")))
    return made


def main(folder: Path) -> None:
    """Pack the definitions of a folder."""
    PACKED.mkdir(exist_ok=True)
    for name in RAY.values():
        definition = yaml.load((folder / f"{name}.yaml").read_bytes(), yaml.CSafeLoader)
        text = json.dumps(schema_of(definition), separators=(",", ":"), sort_keys=True)
        (PACKED / f"{name}.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
