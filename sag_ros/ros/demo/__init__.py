"""``sag demo``: the graph as child processes, a live table, videos and a report.

Front door: :mod:`command`.
"""
