"""What was measured is not measured again, and is what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from metaart.evaluation.resumable import FOLDER, Measurements

Values = NDArray[np.float64]


def never() -> Values:
    pytest.fail("measured again")


def test_what_was_measured_for_another_evaluation_is_not_used(tmp_path: Path) -> None:
    def one() -> Values:
        return np.ones(1)

    def two() -> Values:
        return np.full(1, 2.0)

    assert Measurements(tmp_path, {"seed": 1}).find(("a", 0.1), one) == 1
    assert Measurements(tmp_path, {"seed": 1}).find(("a", 0.1), two) == 1
    assert Measurements(tmp_path, {"seed": 1}).find(("a", 0.2), two) == 2
    assert Measurements(tmp_path, {"seed": 2}).find(("a", 0.1), two) == 2
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    assert Measurements(None, {}).find(("a", 0.1), two) == 2


@given(arrays(np.float64, array_shapes(max_dims=3, max_side=4)), st.text(), st.integers())
@settings(deadline=None, max_examples=40)
def test_it_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, values: Values, name: str, number: int
) -> None:
    out = tmp_path_factory.mktemp("out")
    key = (name, number, [1, 2], 0.1)
    first = Measurements(out, {"a": 1, "b": 2}).find(key, lambda: values)
    again = Measurements(out, {"b": 2, "a": 1}).find(key, never)
    for found in (first, again):
        assert (found.tobytes(), found.shape, found.dtype) == (values.tobytes(), values.shape, values.dtype)


def test_a_file_that_was_cut_anywhere_is_measured_again(tmp_path: Path) -> None:
    measurements, values = Measurements(tmp_path, {}), np.arange(4.0)
    measurements.find(("a",), lambda: values)
    (path,) = (tmp_path / FOLDER).rglob("*.npy")
    whole = path.read_bytes()
    for end in range(0, len(whole), 5):
        path.write_bytes(whole[:end])
        np.testing.assert_array_equal(measurements.find(("a",), lambda: values), values)
        assert path.read_bytes() == whole


def test_a_measurement_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> Values:
        raise KeyboardInterrupt

    measurements = Measurements(tmp_path, {})
    with pytest.raises(KeyboardInterrupt):
        measurements.find(("a",), fail)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert measurements.find(("a",), lambda: np.ones(1)) == 1


def test_nothing_is_left_when_the_results_are_there(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}")
    measurements = Measurements(tmp_path, {})
    measurements.find(("a",), lambda: np.ones(1))
    measurements.clear()
    measurements.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_without_a_folder_everything_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    measurements, calls = Measurements(None, {}), []

    def measure() -> Any:
        calls.append(1)
        return np.ones(1)

    assert [measurements.find(("a",), measure).item() for _ in range(2)] == [1, 1]
    measurements.clear()
    assert len(calls) == 2
    assert not list(tmp_path.iterdir())
