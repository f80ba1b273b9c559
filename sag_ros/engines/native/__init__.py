"""Engine ``native``: a whole chunk in one call of code compiled for this CPU.

Front door: :class:`engine.NativeEngine`.
"""
