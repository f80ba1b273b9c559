"""The flight recorder without ROS: what was heard last, and files of it.

``ring`` keeps the last messages in memory, ``writing`` and ``reading`` are MCAP files of messages, ``folder``
holds them within a quota, ``saver`` is the thread between ring and folder. Front door: :mod:`saver`.
"""
