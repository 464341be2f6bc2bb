"""The token that is made, demanded and sent."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cluster import start
from cluster.access import check_token, is_loopback, make_token, send_token, send_token_if_any, token_path
from metaart.errors import UserError


@pytest.fixture(autouse=True)
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a token would lie; there is none yet, and nothing else says how to reach a cluster."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    return tmp_path / "token"


def asked(*words: str) -> list[str]:
    options, rest = start._parser().parse_known_args(words)
    return start.ray_start(options, rest)


def test_a_token_is_made_once_for_its_owner_alone(token: Path) -> None:
    assert make_token(token)
    first = token.read_text()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert len(bytes.fromhex(first)) == 32
    assert not make_token(token)
    assert token.read_text() == first
    other = token.with_name("other")
    make_token(other)
    assert other.read_text() != first


def test_a_token_that_others_may_read_or_that_is_empty_is_refused(token: Path) -> None:
    with pytest.raises(UserError, match="no "):
        check_token(token)
    make_token(token)
    check_token(token)
    token.chmod(0o644)
    with pytest.raises(UserError, match="644"):
        check_token(token)
    token.chmod(0o600)
    token.write_text(" \n")
    with pytest.raises(UserError, match="empty"):
        check_token(token)


def test_a_token_that_ray_made_is_taken_and_closed(token: Path) -> None:
    token.write_text("x" * 64)
    token.chmod(0o644)
    with pytest.raises(UserError, match="644"):
        asked("head", "--host", "10.0.0.5")  # others may know it
    assert asked("head")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    token.chmod(0o644)
    send_token({})
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_a_head_for_a_network_is_refused_without_a_token(token: Path) -> None:
    for host in ("10.0.0.5", "0.0.0.0", "::", "head.example"):
        with pytest.raises(UserError, match="anybody on the network"):
            asked("head", "--host", host)
    with pytest.raises(UserError, match="anybody on the network"):
        asked("node", "--head", "10.0.0.5:6379")
    assert not token.exists()
    make_token(token)
    assert "--node-ip-address=10.0.0.5" in asked("head", "--host", "10.0.0.5")
    assert "--address=10.0.0.5:6379" in asked("node", "--head", "10.0.0.5:6379")


def test_a_head_for_this_machine_makes_its_token(token: Path) -> None:
    words = asked("head", "--cpus", "1", "--temp-dir=/tmp/x", "--dashboard-host=0.0.0.0")
    check_token(token)
    assert words[:2] == ["start", "--temp-dir=/tmp/x"]
    assert words.index("--dashboard-host=127.0.0.1") > words.index("--dashboard-host=0.0.0.0")  # the last counts
    assert {"--block", "--head", "--num-cpus=1"} <= set(words)


def test_the_command_says_what_it_did(token: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(["token"]) == 0
    assert "a new token" in capsys.readouterr().out
    assert start.main(["token"]) == 0
    assert "already" in capsys.readouterr().out
    token.chmod(0o640)
    assert start.main(["node", "--head", "10.0.0.5:6379"]) == 2
    assert "chmod 600" in capsys.readouterr().err


def test_the_token_is_sent_where_there_is_one(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError):
        send_token({})
    environment: dict[str, str] = {}
    make_token(token)
    send_token(environment)
    assert environment == {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    environment = {"RAY_AUTH_TOKEN": "abc"}
    send_token(environment)
    assert environment == {"RAY_AUTH_TOKEN": "abc", "RAY_AUTH_MODE": "token"}
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    token.unlink()
    with pytest.raises(UserError):
        send_token_if_any()


def test_without_a_variable_ray_s_own_place_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    assert token_path() == Path.home() / ".ray" / "auth_token"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.5", "0.0.0.0", "::", "example.org", "127.0.0.1.example.org", ""])
def test_no_loopback(host: str) -> None:
    assert not is_loopback(host)
