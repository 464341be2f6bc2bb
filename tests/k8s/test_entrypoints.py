"""Whatever a manifest names is there in the code: the service, images, versions, ports, commands of Ray."""

from __future__ import annotations

import functools
import importlib
import re
from typing import Any

import pytest
import yaml
from ray import ray_constants
from ray.serve._private.build_app import build_app
from ray.serve.schema import ServeDeploySchema

import metaart
from serve.app import build
from tests.k8s.commands import split
from tests.k8s.dockerfile import read
from tests.k8s.manifests import FOLDER, OVERLAYS, ROOT, Thing, clusters, named, number, overlay, pods

PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())


def serve_config(name: str) -> tuple[ServeDeploySchema, Thing]:
    """The configuration of the service, by Ray's own schema, and the object that holds it."""
    service = named(overlay(name), "RayService", "metaart")
    text = yaml.safe_load(service["spec"]["serveConfigV2"])
    return ServeDeploySchema.model_validate(text), service


@functools.cache
def deployments(name: str) -> dict[str, Any]:
    """What the service is made of, as the code builds it, by name."""
    (application,) = serve_config(name)[0].applications
    return {made.name: made for made in build_app(build(application.args), name=application.name).deployments}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_service_is_one_that_can_be_built(name: str) -> None:
    config, _ = serve_config(name)
    (application,) = config.applications
    module, _, attribute = application.import_path.partition(":")
    assert getattr(importlib.import_module(module), attribute) is build
    assert {deployment.name for deployment in application.deployments} <= set(deployments(name))


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_smallest_service_has_room_and_stays_off_the_head(name: str) -> None:
    config, service = serve_config(name)
    (application,) = config.applications
    changed = {deployment.name: deployment.ray_actor_options for deployment in application.deployments}
    needed = 0.0
    for deployment, made in deployments(name).items():
        options = made.ray_actor_options if deployment not in changed else changed[deployment].model_dump()
        assert options["num_cpus"] > 0, f"{deployment} could run on the head"
        scaled = made._deployment_config.autoscaling_config
        needed += options["num_cpus"] * (scaled.min_replicas if scaled else made.num_replicas)
    there = 0.0
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        there += group["minReplicas"] * number(limits["cpu"])
    assert needed <= there
    assert service["spec"]["rayClusterConfig"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("name", OVERLAYS)
def test_ports_are_those_that_ray_and_the_service_open(name: str) -> None:
    config, _ = serve_config(name)
    expected = {
        "gcs-server": ray_constants.DEFAULT_PORT,
        "dashboard": ray_constants.DEFAULT_DASHBOARD_PORT,
        "metrics": 8080,  # KubeRay starts Ray with --metrics-export-port=8080
        "serve": config.http_options.port,
    }
    assert config.http_options.host == "0.0.0.0"
    for pod in pods(overlay(name)):
        ports = {port["name"]: port["containerPort"] for port in pod.container.get("ports", [])}
        assert ports == {port: expected[port] for port in ports}
        if pod.role in {"head", "worker"}:
            assert pod.metadata["annotations"]["prometheus.io/port"] == str(ports["metrics"])
        assert ("serve" in ports) == (pod.owner == "RayService metaart")


@pytest.mark.parametrize("name", OVERLAYS)
def test_images_are_those_that_the_dockerfile_builds_in_this_version(name: str) -> None:
    targets = {stage.name for stage in read(FOLDER / "Dockerfile")}
    images = {pod.container["image"] for pod in pods(overlay(name))}
    (image,) = images
    match = re.fullmatch(r"metaart-(\w+):(\S+)", image)
    assert match
    assert match[1] in targets
    assert match[2] == metaart.__version__
    assert (match[1] == "cuda") == (name == "gpu")
    comment = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    assert f"docker build -f k8s/Dockerfile --target {match[1]} " in comment
    assert f"-t {image} ." in comment


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_version_of_ray_is_the_one_that_is_installed(name: str) -> None:
    assert {described["rayVersion"] for described in clusters(overlay(name)).values()} == {PINS["ray"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_health_is_asked_where_ray_answers_without_a_token(name: str) -> None:
    from ray.dashboard.http_server_agent import PUBLIC_EXACT_PATHS

    for pod in pods(overlay(name)):
        if pod.role not in {"head", "worker"}:
            continue
        asked = re.findall(r"localhost:(\d+)(/[\w/-]+)", str(pod.container["readinessProbe"].get("exec", "")))
        for probe in ("livenessProbe", "readinessProbe"):
            got = pod.container[probe].get("httpGet")
            asked += [(str(got["port"]), got["path"])] if got else []
        agent = str(ray_constants.DEFAULT_DASHBOARD_AGENT_LISTEN_PORT)
        assert (agent, "/api/healthz") in asked
        assert {path for port, path in asked if port == agent} <= set(PUBLIC_EXACT_PATHS)
        proxied = ("8000", "/-/healthz") in asked
        assert proxied == (pod.owner == "RayService metaart" and pod.role == "worker"), pod.name


@pytest.mark.parametrize("name", OVERLAYS)
def test_workers_drain_themselves_by_a_command_that_ray_has(name: str) -> None:
    from ray.scripts.scripts import cli

    workers = [pod for pod in pods(overlay(name)) if pod.role == "worker"]
    assert workers
    for pod in workers:
        shell, flag, script = pod.container["lifecycle"]["preStop"]["exec"]["command"]
        drain, _, wait = script.partition(" && sleep ")
        assert (shell, flag) == ("bash", "-c")
        program, command, *arguments = split("bash", drain)
        assert (program, command) == ("ray", "drain-node")
        asked = cli.commands[command].make_context(command, arguments).params
        assert asked["reason"] == "DRAIN_NODE_REASON_PREEMPTION", "Ray refuses the other where anything runs"
        assert asked["deadline_remaining_seconds"] == int(wait)
        assert pod.spec["terminationGracePeriodSeconds"] >= int(wait) + 15, pod.name
