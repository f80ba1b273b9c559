"""``sag search schedule``: static schedules by closed-loop success. Front door: :mod:`command`."""
