"""robosuite's tasks: ``world`` plays them, ``hand`` and ``style`` are what experts move with, and each of the
other files is a task with its expert."""
