"""What an operator may ask for: pause, resume, home, stop, taking over. See: :class:`services.Operating`."""
