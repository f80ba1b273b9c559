"""What is watched while the arm moves: ages of inputs, whether the arm follows, and what is wrong.

Front doors: ``watchdog``, ``tracking``, ``causes``.
"""
