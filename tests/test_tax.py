"""The consumption tax inside an amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masters.consumption_tax import Rounding, included_tax

yen = st.integers(-10_000_000, 10_000_000)
rates = st.sampled_from([Decimal(0), Decimal(3), Decimal(5), Decimal(8), Decimal(10)])
roundings = st.sampled_from(Rounding)


@pytest.mark.parametrize(
    ("gross", "rate", "down", "half_up", "up"),
    [
        (1000, 10, 90, 91, 91),
        (1000, 8, 74, 74, 75),
        (294, 10, 26, 27, 27),
        (1100, 10, 100, 100, 100),
    ],
)
def test_worked_examples(gross, rate, down, half_up, up):
    found = [included_tax(gross, Decimal(rate), rounding) for rounding in Rounding]
    assert found == [down, half_up, up]


@given(yen, rates, roundings)
def test_the_tax_has_the_sign_of_the_gross(gross, rate, rounding):
    assert included_tax(-gross, rate, rounding) == -included_tax(gross, rate, rounding)


@given(yen, rates, roundings)
def test_rounding_moves_less_than_a_yen(gross, rate, rounding):
    exact = Decimal(gross) * rate / (100 + rate)
    assert abs(included_tax(gross, rate, rounding) - exact) < 1


@pytest.mark.parametrize("rate", [Decimal("-0.01"), Decimal("100.01")])
def test_a_rate_outside_0_to_100_is_refused(rate):
    with pytest.raises(ValueError, match="0-100"):
        included_tax(1000, rate)
