"""What proves the books of a desk: what must hold of its rows, and the rows where it does not.

A `Rule` is something that must always hold, said in plain words, with the selects that find what breaks
it; both databases take the same ones. What SQL cannot say is judged by the acts' own rules, over rows that
come one after the other (`streams`), so that a million of them take no more room than a hundred. No select
here gives more of a person than an id, but for those that words are made of.
"""
