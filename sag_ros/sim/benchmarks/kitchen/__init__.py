"""Franka Kitchen: microwave, kettle, light switch and slide cabinet in one episode, and its scripted expert.

``world`` is the front door. ``expert`` decides what is done when and how well, ``skills`` how each part is
done, ``hand`` moves the hand along waypoints, ``reach`` is its inverse kinematics.
"""
