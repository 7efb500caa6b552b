"""How many statements of one kind there are, and what came of them."""

import collections


class Tally:
    def __init__(self):
        self.n = self.opaque = self.misses = 0
        self.denied = collections.Counter()

    def share(self, count):
        return f"{100 * count / self.n:.1f} %" if self.n else "–"
