"""Files in and out, a module a marketplace.

A file is read into rows with its own line numbers (`tables`), a marketplace's module turns them into
bodies of our forms (`etsy`), and `importing` lets form and acts judge each order, whole or not at all.
Nothing here knows of requests, and nothing here commits: the door does, batch by batch.
"""
