"""What stands between a spliced command and the arm.

Front door: :class:`sag_ros.control.guard.guard.Guard`. Which joint is led where: ``lead``; how one joint
follows what it may: ``track``, with ``bridge`` and ``viability``.
"""
