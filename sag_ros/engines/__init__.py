"""How a plan is executed: the literal reference and faster engines checked against it."""
