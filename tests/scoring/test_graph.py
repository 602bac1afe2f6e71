"""Who can be compared with whom."""

from hypothesis import given
from hypothesis import strategies as st

from ftarena.scoring.graph import components, members, strong_components

edges = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def reachable(size: int, links: list[tuple[int, int]]) -> list[set[int]]:
    """By brute force: the contestants that can be reached from each, itself among them."""
    found = [{node} for node in range(size)]
    for _ in range(size):
        for one, other in links:
            for reach in found:
                if one in reach:
                    reach.add(other)
    return found


@given(edges)
def test_parts_are_what_chains_of_battles_reach(links: list[tuple[int, int]]) -> None:
    """Two contestants are in one part of the board if a chain of battles links them."""
    part = components(7, links)
    reach = reachable(7, links + [(other, one) for one, other in links])
    assert all((part[i] == part[j]) == (j in reach[i]) for i in range(7) for j in range(7))
    assert sorted(node for fellows in members(part) for node in fellows) == list(range(7))


@given(edges)
def test_strong_parts_are_what_points_reach_both_ways(links: list[tuple[int, int]]) -> None:
    """Two contestants bound each other if chains of points lead both ways."""
    part = strong_components(7, links)
    reach = reachable(7, links)
    assert all((part[i] == part[j]) == (j in reach[i] and i in reach[j]) for i in range(7) for j in range(7))


def test_a_long_chain_is_no_recursion() -> None:
    """Five thousand contestants that beat each other in a row do not exhaust the stack."""
    chain = [(node, node + 1) for node in range(4999)]
    assert len(set(strong_components(5000, chain))) == 5000
    assert len(set(strong_components(5000, [*chain, (4999, 0)]))) == 1
