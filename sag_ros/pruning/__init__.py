"""Which residual blocks run in which denoising step, and the plan that an engine executes.

Front doors: :func:`mask_sources.build_mask_source` and :func:`plan.make_plan`.
"""
