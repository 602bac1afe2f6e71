"""Who can be compared with whom: connected parts of the board, and parts that only ever won."""

from collections.abc import Iterable, Sequence


def components(size: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Parts of the board between which there is no battle at all.

    Args:
        size: Number of contestants.
        edges: Pairs of contestants that met.

    Returns:
        The part of every contestant; parts are numbered by their first contestant.
    """
    parent = list(range(size))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return _numbered([root(node) for node in range(size)])


def strong_components(size: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Parts inside which every contestant has scored against every other, directly or along a chain.

    The strengths inside such a part have a finite best value; between two of them they have not, because all
    points went one way (Ford 1957). Tarjan's algorithm (1972) without recursion.

    Args:
        size: Number of contestants.
        edges: (i, j) where i took at least half a point from j.

    Returns:
        The part of every contestant; parts are numbered by their first contestant.
    """
    following: list[list[int]] = [[] for _ in range(size)]
    for one, other in edges:
        following[one].append(other)
    order = [-1] * size
    lowest = [0] * size
    part = [-1] * size
    stack: list[int] = []
    seen = 0
    for start in range(size):
        if order[start] >= 0:
            continue
        path: list[tuple[int, int]] = [(start, 0)]
        while path:
            node, position = path.pop()
            if position == 0:
                order[node] = lowest[node] = seen
                seen += 1
                stack.append(node)
            else:
                lowest[node] = min(lowest[node], lowest[following[node][position - 1]])
            for place in range(position, len(following[node])):
                child = following[node][place]
                if order[child] < 0:
                    path += [(node, place + 1), (child, 0)]
                    break
                if part[child] < 0:
                    lowest[node] = min(lowest[node], order[child])
            else:
                if lowest[node] == order[node]:
                    while True:
                        member = stack.pop()
                        part[member] = node
                        if member == node:
                            break
    return _numbered(part)


def members(parts: Sequence[int]) -> list[list[int]]:
    """The contestants of every part.

    Args:
        parts: The part of every contestant, numbered from 0.

    Returns:
        For every part its contestants, ascending.
    """
    found: list[list[int]] = [[] for _ in range(max(parts, default=-1) + 1)]
    for node, part in enumerate(parts):
        found[part].append(node)
    return found


def _numbered(marks: Sequence[int]) -> list[int]:
    number: dict[int, int] = {}
    return [number.setdefault(mark, len(number)) for mark in marks]
