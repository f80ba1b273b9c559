"""Engine ``persistent``: one Triton launch executes a whole chunk.

Front door: :class:`engine.PersistentEngine`.
"""
