"""The node between the gripper command topic and the actions of a real hand. Front door: :mod:`node`."""
