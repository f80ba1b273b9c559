"""The policy node: from camera frames and joint states to joint commands.

Front door: :class:`node.PolicyNode`; :class:`chunk_executor.ChunkExecutor` is what it does without ROS.
"""
