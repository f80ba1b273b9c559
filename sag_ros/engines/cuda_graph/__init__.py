"""Engine ``cuda_graph``: a CUDA graph a block, replayed in the order of the plan.

Front door: :class:`engine.CudaGraphEngine`.
"""
