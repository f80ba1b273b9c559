"""How a plan is executed: the literal reference and faster engines checked against it.

Front doors: :class:`runner.PolicyRunner` (observations to action chunks) and :func:`registry.build_engine`.
Each engine has a folder and says in its ``spec.py`` what the registry needs to know; none imports another.
"""
