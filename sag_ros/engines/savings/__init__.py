"""Exact savings: what every engine may leave out without changing the result, rounding aside.

Front door: :class:`switches.Savings`, one switch a saving.
"""
