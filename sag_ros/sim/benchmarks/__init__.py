"""The tasks of the papers, in the simulators that they are published in, each with a scripted expert.

``registry`` is the front door: names, and a :class:`protocol.Benchmark` for each. ``tabletop/`` has those of
robosuite (Lift, Can, Square, Transport, Tool Hang), ``kitchen/`` has Franka Kitchen; both libraries are
imported when a task of theirs is made, and not before.
"""
