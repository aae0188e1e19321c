"""Allocation: splits an amount into whole parts."""

from collections.abc import Sequence


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount, not negative, in proportion to these weights, none of which is negative.

    The parts add up to the amount. Each is rounded down; what is left goes to those with the largest remainders, of
    equal ones to the first (the largest remainder method). So no part differs from its exact share by 1 or more, and
    a weight of 0 gets nothing. Raises `ValueError` if there is something to split and all weights are 0."""
    total = sum(weights)
    if not amount:
        return [0] * len(weights)
    if not total:
        raise ValueError("an amount can't be split by weights of 0")
    shares = [divmod(amount * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda i: -shares[i][1])
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts
