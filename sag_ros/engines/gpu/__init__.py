"""What the engines of an NVIDIA GPU share: device, buffers, recorded graphs, encoder and pruner.

Front door: :class:`graph_engine.GraphEngine`: a plan becomes replays of what computes the blocks.
"""
