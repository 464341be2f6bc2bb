import numpy as np
import pytest
from scipy import stats

from metaart.evaluation.statistics import half_width, half_width_by_hand, mean_and_interval, standing


def test_half_width_is_scipys_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=40)
    low, high = stats.norm.interval(0.95, loc=values.mean(), scale=stats.sem(values))
    assert half_width(values) == pytest.approx((high - low) / 2, rel=1e-6)


def test_half_width_agrees_with_the_bootstrap() -> None:
    values = np.random.default_rng(1).exponential(size=600)
    found = stats.bootstrap((values,), np.mean, n_resamples=2000, random_state=2, method="percentile")
    low, high = found.confidence_interval
    assert half_width(values) == pytest.approx((high - low) / 2, rel=0.1)


def test_half_width_by_hand_of_a_case_worked_out_by_hand() -> None:
    values, hands = np.array([1.0, 3.0, 5.0, 5.0, 1.0]), ["a", "a", "b", "b", "c"]
    # The mean is 3; residuals -2 0 | 2 2 | -2; sums -2, 4, -2; squares 4 + 16 + 4 = 24; times 3/2 is 36; root 6; by 5.
    assert half_width_by_hand(values, hands) == pytest.approx(1.959964 * 6 / 5)


def test_with_one_value_a_hand_both_intervals_are_the_same() -> None:
    values = np.random.default_rng(3).normal(size=30)
    assert half_width_by_hand(values, [str(index) for index in range(30)]) == pytest.approx(half_width(values))


def test_hands_whose_episodes_are_alike_count_once() -> None:
    of_hands = np.random.default_rng(4).normal(size=20)
    repeated, hands = np.repeat(of_hands, 30), np.repeat([str(index) for index in range(20)], 30).tolist()
    assert half_width_by_hand(repeated, hands) == pytest.approx(half_width(of_hands))
    assert half_width(repeated) < 0.2 * half_width(of_hands)


def test_one_hand_alone_has_no_interval() -> None:
    assert np.isnan(half_width_by_hand(np.array([1.0, 2.0]), ["a", "a"]))


def test_mean_and_interval_leave_out_what_is_no_number() -> None:
    assert mean_and_interval(np.array([1.0, np.nan, 3.0])) == {
        "mean": 2.0,
        "interval": pytest.approx(half_width(np.array([1.0, 3.0]))),
        "count": 2,
    }
    assert mean_and_interval(np.array([np.nan])) == {"mean": None, "interval": None, "count": 0}
    assert mean_and_interval(np.array([4.0])) == {"mean": 4.0, "interval": None, "count": 1}


def test_a_difference_stands_where_its_whole_interval_does() -> None:
    assert standing(0.3, 0.2) == "ahead of"
    assert standing(-0.3, 0.2) == "behind"
    assert standing(0.2, 0.2) == standing(-0.1, 0.2) == "level with"
