"""The exact sign test: could a fair coin have done this?"""

import math


def sign_test(successes: int, trials: int) -> float:
    """Return the two-sided p-value of a count against a fair coin.

    Exact for any number of trials: the smaller tail of Binomial(trials, ½) is summed from its largest term
    on until a term no longer changes the sum, which is after some ten standard deviations.

    Args:
        successes: How often it went one way.
        trials: How often it went one way or the other; ties are left out beforehand.

    Returns:
        Twice the smaller tail, at most 1; 1 without trials.
    """
    if trials == 0:
        return 1.0
    count = min(successes, trials - successes)
    largest = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        - trials * math.log(2)
    )
    tail, term = 0.0, largest
    while term > 0 and tail + term > tail:
        tail += term
        if count == 0:
            break
        # C(n, k-1) / C(n, k)
        term *= count / (trials - count + 1)
        count -= 1
    return min(2 * tail, 1.0)
