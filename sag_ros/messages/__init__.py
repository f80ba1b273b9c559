"""What stands in ROS messages: pictures, joints, numbers by the path to their field. No ROS.

Messages are taken as objects that have the fields of their type, whoever decoded them: rclpy, or a reader of
bags.
"""
