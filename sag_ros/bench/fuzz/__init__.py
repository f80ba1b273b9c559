"""Chunks of all kinds through the supervisor, followed at 1 kHz and judged as the robot judges.

Front doors: :func:`sag_ros.bench.fuzz.play.play`, which plays one story, and ``sag fuzz``.
"""
