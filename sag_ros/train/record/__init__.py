"""Scripted demonstrations: ``command`` writes them to a store, ``arm`` and ``benchmark`` give them, each in a
process of its own."""
