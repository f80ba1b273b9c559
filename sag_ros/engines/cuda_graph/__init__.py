"""Engine ``cuda_graph``: a CUDA graph a block (of a U-Net: a step), replayed in the order of the plan.

Front doors: :class:`engine.CudaGraphEngine` for transformers, :class:`unet.CudaGraphUNet`.
"""
