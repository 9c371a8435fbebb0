"""The proof of the books: every promise of the acts held against the rows, at one moment, writing nothing.

Selects find what SQL can say (queries.books); what takes the acts' own rules is judged by those rules, row
after row: an order's codes (`rolled`), the history replayed (`history`), the words it is found by (`words`).
"""

from collections.abc import Iterator

from app.actions.audit import history, places, rolled, words
from app.actions.audit.proofs import Proof, of_rule, prove
from app.db import one_moment
from app.queries.books import ground, money, pieces, stores, tables, tally, told

SQL_RULES = (*money.RULES, *pieces.RULES, *stores.RULES, *tables.RULES, *told.RULES)


def audit() -> Iterator[Proof]:
    """Yield the proof of each invariant; all are about the same moment.

    Where the file itself is unsound that is the only one: what is read from it proves nothing.
    """
    with one_moment():
        faults = list(ground.unsound())
        sizes = {} if faults else ground.sizes()
        rows = sum(sizes.values())
        yield prove("The database's file and indexes are sound", rows, faults)
        if faults:
            return
        yield prove("Every key leads to a row, of the same store", rows, ground.lost())
        yield of_tally()
        yield from (of_rule(rule, sizes) for rule in SQL_RULES)
        yield from rolled.proofs()
        yield from history.proofs()
        yield from places.proofs()
        yield from words.proofs()


def of_tally() -> Proof:
    """Prove that the tally says how many orders and lines stand where: neither more nor less."""
    kept, counted = tally.kept(), tally.counted()
    wrong = [key for key in sorted(kept.keys() | counted.keys()) if kept.get(key) != counted.get(key)]
    return prove(
        "The tally says exactly how many orders and lines stand where",
        len(kept.keys() | counted.keys()),
        (f"store {store} {grain} {code}" for store, grain, code in wrong),
    )
