"""``sag bench masks`` and ``sag bench reuse``: what the pruner decides, and what cached residuals are worth.

Front doors: :mod:`command` and :mod:`reuse`.
"""
