"""The acts: the only writers of the desk, by noun.

An act judges what is asked against the sale as it is now, changes it and records it, all in one
transaction that its door commits. Acts flush; they never commit.
"""
