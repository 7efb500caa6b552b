"""Rounds in which every target has its turn, and the comparisons that are made within a round."""

import statistics

import goals


def interleaved(targets, rounds, once):
    """Runs A B C, B C A, C A B …: each round meets the same weather, and no target always follows the same neighbor."""
    samples = {target.name: [] for target in targets}
    for number in range(rounds):
        turn = number % len(targets)
        for target in targets[turn:] + targets[:turn]:
            samples[target.name].append(once(target))
    return samples


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def middle(samples, name, key):
    return median([sample[key] for sample in samples[name]])


def compared(samples, name, other, key, how):
    """The median over the rounds of a comparison made within each round."""
    if name not in samples or other not in samples:
        return None
    return median([how(a[key], b[key]) for a, b in zip(samples[name], samples[other])])


def difference(a, b):
    return a - b


def ratio(a, b):
    return a / b


def throughput_table(samples, unit):
    """What many clients get through each target; `unit` is what is counted."""
    lines = [f"| target | {unit}/s | of direct | of HAProxy | p50 µs | CPU µs/{unit} |", "|---|---|---|---|---|---|"]
    for name in samples:
        row = [goals.number(middle(samples, name, "tps")), goals.number(compared(samples, name, "direct", "tps", ratio), 2),
               goals.number(compared(samples, name, "haproxy", "tps", ratio), 2), goals.number(middle(samples, name, "p50")),
               goals.number(middle(samples, name, "cpu_us"), 1)]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"
