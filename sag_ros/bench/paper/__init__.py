"""``sag bench paper``: the tables of Sparse ActionGen with our policies, engine and intervals, beside the
published figures. ``command`` is the front door; every task is a run of ``sag bench tasks``."""
