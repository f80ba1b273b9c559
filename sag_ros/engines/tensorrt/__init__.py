"""Engine ``tensorrt``: an engine of TensorRT for each block, compiled ahead and kept on disk.

Front doors: :class:`engine.TensorRtEngine` to run, :mod:`compile` to compile.
"""
