"""What an arm is: a description that control, simulation and nodes are given. One file an arm.

Front doors: :class:`arm.Arm`, and :func:`registry.find_arm`, which finds the arms of this folder by name.
"""
