"""What measurements share: closed-loop episodes, worker processes, journal, statistics, the machine.

Front doors: :func:`episode.run_episode` and :class:`journal.Journal`.
"""
