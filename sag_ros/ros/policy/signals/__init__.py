"""Numbers of any topic that a policy observes besides cameras, arm and hand."""
