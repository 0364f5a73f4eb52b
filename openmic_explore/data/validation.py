"""Cutting a validation part by whole groups."""

import hashlib


def validation_groups(groups: list[str], fraction: float, seed: int) -> set[str]:
    """Choose whole groups whose clips together come nearest to `fraction` of all.

    groups: the group of each clip. Groups are tried in an order shuffled by the seed, by a hash rather than a
    random generator, so that it stays the same in every version of numpy.
    """
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    target = fraction * len(groups)
    # Subset sums: bit s of reachable[i] says that some of the first i groups have s clips together.
    # Sums beyond twice the target are farther from it than none at all.
    bits = (1 << (int(2 * target) + 1)) - 1
    reachable = [1]
    for group in order:
        reachable.append((reachable[-1] | reachable[-1] << sizes[group]) & bits)
    rest = min(
        (total for total in range(bits.bit_length()) if reachable[-1] >> total & 1), key=lambda t: abs(t - target)
    )
    chosen = set()
    for place in range(len(order), 0, -1):
        if not reachable[place - 1] >> rest & 1:
            chosen.add(order[place - 1])
            rest -= sizes[order[place - 1]]
    return chosen
