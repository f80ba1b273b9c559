"""Another policy, prepared beside the one that runs, takes over; what runs is announced."""
