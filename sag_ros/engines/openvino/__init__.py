"""Engine ``openvino``: residual blocks, observation encoder and pruner as OpenVINO models.

Front door: :class:`engine.OpenVinoEngine`.
"""
