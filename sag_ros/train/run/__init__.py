"""How every training runs: loop, checkpoints, averaged weights, order of samples, records, several processes.

Front door: :class:`loop.Loop`.
"""
