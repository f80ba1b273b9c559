"""Which residual blocks run in which denoising step, and the plan that an engine executes."""
