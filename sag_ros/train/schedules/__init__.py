"""Static schedules: how they are searched (changes, EVO, BAC) or trained (Learning-to-Cache).

Front doors: :mod:`command` and :class:`search.ScheduleSearch`; all are compared by :mod:`action_error`.
"""
