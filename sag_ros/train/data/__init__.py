"""What is trained on: windows of demonstrations over cached features.

Front doors: :class:`windows.Windows` and :func:`bundle_windows.policy_windows`.
"""
