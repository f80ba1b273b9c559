"""In which state an arm is, and how it gets from one to the next. Front door: :class:`life.Life`."""
